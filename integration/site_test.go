package integration

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

// A site serves pages of another origin than the gateway's, as a user's own web server would: examples/browser with the gateway's modules copied
// beside them, and the clients of other projects.
type site struct {
	url string
}

// blank is a page with a video element and nothing else.
const blank = `<!doctype html><meta charset="utf-8"><title>blank</title><video id="video" autoplay playsinline></video>`

func startSite(t *testing.T) *site {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /blank.html", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(blank))
	})
	mux.Handle("GET /examples/", http.StripPrefix("/examples/", http.FileServer(http.Dir(filepath.Join(exampleDir(t), "browser")))))
	mux.Handle("GET /examples/headgate/", http.StripPrefix("/examples/headgate/", http.FileServer(http.Dir("../internal/ui/assets"))))
	mux.HandleFunc("GET /thirdparty.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, thirdPartyBundle()) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return &site{url: server.URL}
}

// thirdPartyBundle is what scripts/install-clients.sh made of thirdparty/thirdparty.js.
func thirdPartyBundle() string { return filepath.Join(clientsDir(), "js", "thirdparty.js") }

// openThirdParty opens a blank page of another origin in Chromium with the clients of other projects loaded.
func openThirdParty(t *testing.T, s *site) *page {
	t.Helper()
	needNetwork(t)
	if _, err := os.Stat(thirdPartyBundle()); err != nil {
		lacking(t, "the JavaScript clients of other projects: %v", err)
	}
	p := open(t, chromium, s.url+"/blank.html")
	p.run(t, `new Promise((loaded, failed) => {
		const script = document.createElement("script");
		script.src = "/thirdparty.js";
		script.onload = () => loaded(true);
		script.onerror = () => failed(new Error("no thirdparty.js"));
		document.head.append(script);
	})`, nil)
	return p
}
