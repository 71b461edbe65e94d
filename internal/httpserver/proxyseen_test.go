package httpserver

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestForwardedTellsWhetherProxiesAreBelieved(t *testing.T) {
	type request struct{ from, header string }
	tests := []struct {
		name     string
		requests []request
		want     string
	}{
		{"no proxy", []request{{"10.0.0.9:1", ""}}, ""},
		{"a trusted one", []request{{"127.0.0.1:1", "X-Forwarded-For"}, {"10.0.0.9:1", ""}}, "believed"},
		{"RFC 7239", []request{{"127.0.0.1:1", "Forwarded"}}, "believed"},
		{"one that is not", []request{{"127.0.0.1:1", "X-Forwarded-For"}, {"10.0.0.9:1", "X-Forwarded-Proto"}}, "ignored"},
		{"a stranger who lies", []request{{"198.51.100.1:1", "X-Forwarded-For"}}, ""},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			cfg := DefaultConfig()
			cfg.TrustedProxies = []string{"127.0.0.1"}
			s, err := New(cfg, Options{})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range tc.requests {
				req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/healthz", nil)
				req.RemoteAddr = r.from
				if r.header != "" {
					req.Header.Set(r.header, "192.0.2.1")
				}
				s.Handler().ServeHTTP(httptest.NewRecorder(), req)
			}
			if got := s.Forwarded(); got != tc.want {
				t.Errorf("Forwarded() = %q, want %q", got, tc.want)
			}
		})
	}
}
