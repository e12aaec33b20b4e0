package agent

import (
	"fmt"
	"net/http"
	"strings"
)

// apiError is an error as the protocol tells it.
type apiError struct {
	status int
	Text   string   `json:"error"`
	Code   string   `json:"code"`
	Holder string   `json:"holder,omitempty"`
	Points []string `json:"points,omitempty"`
}

func (e *apiError) Error() string { return e.Text }

func fail(status int, code, format string, args ...any) *apiError {
	return &apiError{status: status, Code: code, Text: fmt.Sprintf(format, args...)}
}

func badRequest(format string, args ...any) *apiError {
	return fail(http.StatusBadRequest, "bad-request", format, args...)
}

func overLimit(format string, args ...any) *apiError {
	return fail(http.StatusUnprocessableEntity, "over-limit", format, args...)
}

func unknownPoint(kind, name string, known []string) *apiError {
	list := "none is registered"
	if len(known) > 0 {
		list = "known are " + strings.Join(known, ", ")
	}
	e := fail(http.StatusUnprocessableEntity, "unknown-point", "no %s point %q: %s", kind, name, list)
	e.Points = known
	return e
}
