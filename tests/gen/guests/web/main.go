// An ordinary http.Handler, served over CGI.
package main

import (
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/http/cgi"
	"os"
	"time"
)

var page = template.Must(template.New("page").Parse("<p>{{.}}</p>\n"))

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		before := time.Now()
		time.Sleep(2 * time.Second)
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprintf(w, "%s %s %d bytes, slept %v\n", r.Method, r.URL.Path, len(body), time.Since(before).Round(time.Second))
		if err := page.Execute(w, "<script>"+r.URL.Query().Get("name")); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	})
	if err := cgi.Serve(nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
