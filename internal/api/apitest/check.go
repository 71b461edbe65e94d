// Package apitest compares what the API answers with its description, for tests.
package apitest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/headgate/headgate/internal/api"
)

// Description loads and validates the description, its examples too.
var Description = sync.OnceValues(func() (*openapi3.T, error) { //nolint:gochecknoglobals // read once for all tests
	openapi3filter.RegisterBodyDecoder("application/problem+json", openapi3filter.JSONBodyDecoder)
	openapi3filter.RegisterBodyDecoder("application/yaml", text)
	openapi3filter.RegisterBodyDecoder("text/event-stream", text)
	document, err := openapi3.NewLoader().LoadFromData(api.Description)
	if err != nil {
		return nil, err
	}
	return document, document.Validate(context.Background(), openapi3.EnableExamplesValidation(), openapi3.EnableSchemaPatternValidation())
})

// text takes a body for what it is.
func text(body io.Reader, _ http.Header, _ *openapi3.SchemaRef, _ openapi3filter.EncodingFn) (any, error) {
	b, err := io.ReadAll(body)
	return string(b), err
}

// Answer reports where an answer is not as the description says. Those to addresses
// that it does not have, and to methods other than those of REST, are left alone.
func Answer(t testing.TB, req *http.Request, status int, header http.Header, body []byte) {
	t.Helper()
	document, err := Description()
	if err != nil {
		t.Fatal(err)
	}
	path, operation := find(document, req)
	if operation == nil {
		return
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request: req,
			Route:   &routers.Route{Spec: document, Path: path, PathItem: document.Paths.Value(path), Method: req.Method, Operation: operation},
		},
		Status: status, Header: header,
		Options: &openapi3filter.Options{MultiError: true, IncludeResponseStatus: true},
	}
	input.SetBodyBytes(body)
	if err := openapi3filter.ValidateResponse(context.Background(), input); err != nil {
		t.Errorf("the answer to %s %s is not as described: %v", req.Method, path, err)
	}
	if len(body) > 0 && operation.Responses.Status(status) != nil && operation.Responses.Status(status).Value.Content == nil {
		t.Errorf("the answer to %s %s has a body, and %d has none", req.Method, path, status)
	}
}

// find looks for the operation of a request.
func find(document *openapi3.T, req *http.Request) (path string, operation *openapi3.Operation) {
	asked, ours := strings.CutPrefix(req.URL.EscapedPath(), api.Prefix)
	if !ours {
		return "", nil
	}
	for path, item := range document.Paths.Map() {
		if fits(path, asked) && !(strings.Contains(path, "{") && document.Paths.Value(asked) != nil) {
			return path, item.GetOperation(req.Method)
		}
	}
	return "", nil
}

func fits(template, path string) bool {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if !strings.HasPrefix(want[i], "{") && want[i] != got[i] {
			return false
		}
	}
	return true
}

// Transport is a http.RoundTripper whose answers are checked. Event streams are not
// read for it.
type Transport struct {
	T    testing.TB
	Next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (tr Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	next := tr.Next
	if next == nil {
		next = http.DefaultTransport
	}
	res, err := next.RoundTrip(req)
	if err != nil || strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		return res, err
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("body: %w", err)
	}
	_ = res.Body.Close()
	res.Body = io.NopCloser(strings.NewReader(string(body)))
	Answer(tr.T, req, res.StatusCode, res.Header, body)
	return res, nil
}

// Action is who may do an operation: the x-action of the description.
func Action(operation *openapi3.Operation) string {
	action, _ := operation.Extensions["x-action"].(string)
	return action
}
