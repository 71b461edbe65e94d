package wish

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/headgate/headgate/internal/linkhdr"
)

// extensions are the links of an answer to a POST, absolute.
func extensions(res *http.Response) []linkhdr.Link {
	links, _ := linkhdr.Parse(res.Header.Values(headerLink)) // the good ones come back beside an error
	for i := range links {
		if target, err := url.Parse(links[i].URI); err == nil {
			links[i].URI = res.Request.URL.ResolveReference(target).String()
		}
	}
	return links
}

// Extension is the absolute URL of the first link with this relation type in the
// answer to the POST (RFC 9725 section 4.9), empty if there was none.
func (s *Session) Extension(rel string) string {
	for _, l := range s.links {
		if l.Has(rel) {
			return l.URI
		}
	}
	return ""
}

// PostJSON sends a document to an extension's URL, with the session's token. The
// error is a *StatusError if the server refused.
func (s *Session) PostJSON(ctx context.Context, target string, document any) error {
	body, err := json.Marshal(document)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	token := s.token
	if home, err := url.Parse(s.Location); err != nil || home.Scheme != req.URL.Scheme || home.Host != req.URL.Host {
		token = "" // it is not for other origins
	}
	res, err := s.client.do(req, token)
	if err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		return refusal(res)
	}
	return nil
}
