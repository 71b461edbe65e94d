package api

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// SetChecked lets package api_test look at every answer.
func SetChecked(f func(*testing.T, *http.Request, *httptest.ResponseRecorder)) { checked = f }
