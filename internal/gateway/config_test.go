package gateway_test

import (
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/gateway"
)

func TestRedirectPostsIsAnOrigin(t *testing.T) {
	for value, good := range map[string]bool{
		"": true, "https://node2.example.com": true, "http://10.0.0.2:8080/": true, "https://live.example.com/prefix": true,
		"node2.example.com": false, "ftp://node2": false, "https://node2/?a=b": false, "https://user@node2": false, "https://": false,
	} {
		cfg := gateway.DefaultConfig()
		cfg.RedirectPosts = value
		err := cfg.Validate()
		if good && err != nil || !good && (err == nil || !strings.Contains(err.Error(), "redirect_posts")) {
			t.Errorf("%q: %v", value, err)
		}
	}
}
