package main

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestConversions(t *testing.T) {
	for _, test := range []struct {
		method, target, body string
		status               int
		contains             string
	}{
		{"GET", "/convert/km/mi?value=42", "", 200, `"result":26.097590074`},
		{"GET", "/convert/C/F?value=100", "", 200, `"result":212}`},
		{"GET", "/convert/km/kg?value=1", "", 400, "different things"},
		{"GET", "/convert/km/parsec?value=1", "", 400, "unknown unit"},
		{"GET", "/convert/km/mi", "", 400, "give a number"},
		{"POST", "/convert", `[{"from":"lb","to":"kg","value":10}]`, 200, `"result":4.5359237`},
		{"POST", "/convert", `[{"form":"lb"}]`, 400, "unknown field"},
		{"GET", "/units", "", 200, `"time":["d","h","min","s"]`},
		{"GET", "/", "", 404, "not found"},
	} {
		recorder := httptest.NewRecorder()
		handler().ServeHTTP(recorder, httptest.NewRequest(test.method, test.target, strings.NewReader(test.body)))
		if recorder.Code != test.status || !strings.Contains(recorder.Body.String(), test.contains) {
			t.Errorf("%s %s: %d %s", test.method, test.target, recorder.Code, recorder.Body)
		}
	}
}
