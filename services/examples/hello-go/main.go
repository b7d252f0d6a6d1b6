// A service in Go: converts units.
//
//	GET /units                     {"length":["ft","in","km",…],"mass":[…],…}
//	GET /convert/{from}/{to}?value=42
//	POST /convert                  [{"from":"km","to":"mi","value":42}, …]
//
// It is an ordinary http.Handler. net/http/cgi connects it to the host, which starts it for each call as a CGI program;
// any handler, router or middleware of yours runs the same way.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"math"
	"net/http"
	"net/http/cgi"
	"sort"
	"strconv"
)

const (
	maxBodyBytes   = 64 << 10
	maxConversions = 1000
)

// A unit is a multiple of its dimension's base unit, plus an offset for temperatures.
type unit struct {
	dimension string
	factor    float64
	offset    float64
}

var units = map[string]unit{
	"mm": {"length", 0.001, 0}, "cm": {"length", 0.01, 0}, "m": {"length", 1, 0}, "km": {"length", 1000, 0},
	"in": {"length", 0.0254, 0}, "ft": {"length", 0.3048, 0}, "mi": {"length", 1609.344, 0},
	"g": {"mass", 0.001, 0}, "kg": {"mass", 1, 0}, "oz": {"mass", 0.028349523125, 0}, "lb": {"mass", 0.45359237, 0},
	"s": {"time", 1, 0}, "min": {"time", 60, 0}, "h": {"time", 3600, 0}, "d": {"time", 86400, 0},
	"K": {"temperature", 1, 0}, "C": {"temperature", 1, 273.15}, "F": {"temperature", 5.0 / 9.0, 459.67 * 5.0 / 9.0},
}

type conversion struct {
	From   string  `json:"from"`
	To     string  `json:"to"`
	Value  float64 `json:"value"`
	Result float64 `json:"result"`
}

var errDimensions = errors.New("the units measure different things")

func (c *conversion) convert() error {
	from, ok := units[c.From]
	if !ok {
		return fmt.Errorf("unknown unit %q; GET /units lists them", c.From)
	}
	to, ok := units[c.To]
	if !ok {
		return fmt.Errorf("unknown unit %q; GET /units lists them", c.To)
	}
	if from.dimension != to.dimension {
		return fmt.Errorf("%s and %s: %w", c.From, c.To, errDimensions)
	}
	result := (c.Value*from.factor + from.offset - to.offset) / to.factor
	c.Result = math.Round(result*1e9) / 1e9
	if math.IsNaN(c.Result) || math.IsInf(c.Result, 0) {
		return errors.New("the result is out of range")
	}
	return nil
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		log.Print(err)
	}
}

func refuse(w http.ResponseWriter, status int, err error) {
	reply(w, status, map[string]string{"error": err.Error()})
}

func listUnits(w http.ResponseWriter, _ *http.Request) {
	byDimension := map[string][]string{}
	for name, u := range units {
		byDimension[u.dimension] = append(byDimension[u.dimension], name)
	}
	for _, names := range byDimension {
		sort.Strings(names)
	}
	reply(w, http.StatusOK, byDimension)
}

func convertOne(w http.ResponseWriter, r *http.Request) {
	value, err := strconv.ParseFloat(r.URL.Query().Get("value"), 64)
	if err != nil {
		refuse(w, http.StatusBadRequest, errors.New("give a number as ?value="))
		return
	}
	c := conversion{From: r.PathValue("from"), To: r.PathValue("to"), Value: value}
	if err := c.convert(); err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	reply(w, http.StatusOK, c)
}

func convertMany(w http.ResponseWriter, r *http.Request) {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBodyBytes))
	decoder.DisallowUnknownFields()
	var list []conversion
	if err := decoder.Decode(&list); err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	if len(list) > maxConversions {
		refuse(w, http.StatusBadRequest, fmt.Errorf("at most %d conversions", maxConversions))
		return
	}
	for i := range list {
		if err := list[i].convert(); err != nil {
			refuse(w, http.StatusBadRequest, fmt.Errorf("item %d: %w", i, err))
			return
		}
	}
	reply(w, http.StatusOK, list)
}

func handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /units", listUnits)
	mux.HandleFunc("GET /convert/{from}/{to}", convertOne)
	mux.HandleFunc("POST /convert", convertMany)
	return mux
}

func main() {
	if err := cgi.Serve(handler()); err != nil {
		log.Fatal(err)
	}
}
