package main

import (
	"fmt"
	"net/http"
)

// apiError is an error as the protocol tells it.
type apiError struct {
	status int
	Text   string `json:"error"`
	Code   string `json:"code"`
	Holder string `json:"holder,omitempty"`
}

func (e *apiError) Error() string { return e.Text }

func fail(status int, code, format string, args ...any) *apiError {
	return &apiError{status: status, Code: code, Text: fmt.Sprintf(format, args...)}
}

func badRequest(format string, args ...any) *apiError {
	return fail(http.StatusBadRequest, "bad-request", format, args...)
}

// refuse is for acts that are understood and not done.
func refuse(code, format string, args ...any) *apiError {
	return fail(http.StatusUnprocessableEntity, code, format, args...)
}
