package api

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// described checks an answer against the description.
func described(t *testing.T, req *http.Request, rec *httptest.ResponseRecorder) { t.Helper() }
