package apitest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/testkit/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// judge hears what Answer complains of.
type judge struct {
	testing.TB
	said []string
}

func (j *judge) Helper() {}

func (j *judge) Errorf(format string, args ...any) {
	j.said = append(j.said, fmt.Sprintf(format, args...))
}

func TestAnswersThatAreNotAsDescribed(t *testing.T) {
	const good = `{"version":"v1","open":true,"whip":"http://a/whip/","whep":"http://a/whep/"}`
	for name, tc := range map[string]struct {
		method, path, contentType, body string
		status                          int
		complaint                       string // "" for none
	}{
		"good":             {"GET", "/api/v1/settings", "application/json", good, 200, ""},
		"another member":   {"GET", "/api/v1/settings", "application/json", strings.Replace(good, `"open"`, `"closed"`, 1), 200, "open"},
		"another type":     {"GET", "/api/v1/settings", "text/html", "<p>", 200, "text/html"},
		"cached":           {"GET", "/api/v1/settings", "application/json", good, 200, "Cache-Control"},
		"a bad problem":    {"GET", "/api/v1/settings", "application/problem+json", `{"status":400}`, 400, "code"},
		"a body too many":  {"DELETE", "/api/v1/channels/live", "application/json", `{}`, 204, "has a body"},
		"nobody's address": {"GET", "/watch/live", "text/html", "<p>", 200, ""},
		"nobody's method":  {"TRACE", "/api/v1/settings", "text/html", "<p>", 405, ""},
	} {
		j := &judge{TB: t}
		header := http.Header{"Content-Type": {tc.contentType}, "Cache-Control": {"no-store"}}
		if name == "cached" {
			header.Del("Cache-Control")
		}
		Answer(j, httptest.NewRequestWithContext(t.Context(), tc.method, tc.path, nil), tc.status, header, []byte(tc.body))
		if said := strings.Join(j.said, "\n"); tc.complaint == "" && said != "" || !strings.Contains(said, tc.complaint) {
			t.Errorf("%s: %q, want %q", name, said, tc.complaint)
		}
	}
}
