package api_test

import (
	"testing"

	"github.com/labstack/echo/v4"

	"regexp"
	"slices"
	"strings"

	"github.com/headgate/headgate/internal/api"
	"github.com/headgate/headgate/internal/api/apitest"
)

func TestTheDescriptionIsValid(t *testing.T) {
	document, err := apitest.Description()
	if err != nil {
		t.Fatal(err)
	}
	known := []string{"admin", "play", "join", "self", "secret", "anybody"}
	for path, item := range document.Paths.Map() {
		for method, operation := range item.Operations() {
			action := apitest.Action(operation)
			if !slices.Contains(known, action) || operation.OperationID == "" || operation.Summary == "" {
				t.Errorf("%s %s: action %q, id %q, summary %q", method, path, action, operation.OperationID, operation.Summary)
			}
			free := operation.Security != nil && len(*operation.Security) == 0
			if free != (action == "anybody" || action == "secret") {
				t.Errorf("%s %s: action %q, security %v", method, path, action, operation.Security)
			}
		}
	}
}

// Every route is described, and everything described is a route.
func TestRoutesAreDescribed(t *testing.T) {
	document, err := apitest.Description()
	if err != nil {
		t.Fatal(err)
	}
	var described, routes []string
	for path, item := range document.Paths.Map() {
		for method := range item.Operations() {
			described = append(described, method+" "+path)
		}
	}
	e := echo.New()
	api.Register(e, api.Config{}, nil)
	parameter := regexp.MustCompile(`:(\w+)`)
	for _, r := range e.Routes() {
		if r.Method == "OPTIONS" || r.Method == "HEAD" || r.Method == echo.RouteNotFound {
			continue
		}
		routes = append(routes, r.Method+" "+parameter.ReplaceAllString(strings.TrimPrefix(r.Path, api.Prefix), "{$1}"))
	}
	slices.Sort(described)
	slices.Sort(routes)
	if !slices.Equal(described, routes) {
		t.Errorf("described\n%s\nroutes\n%s", strings.Join(described, "\n"), strings.Join(routes, "\n"))
	}
}
