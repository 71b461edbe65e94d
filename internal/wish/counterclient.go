package wish

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// counters tells that an answer to a POST is a counter-offer that the client wants
// to know of.
func (c Client) counters(res *reply) bool {
	contentType, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";")
	return c.CounterOffers && res.StatusCode == http.StatusNotAcceptable && strings.EqualFold(strings.TrimSpace(contentType), SDPType)
}

// AnswerOffer answers CounterOffer (the playback draft, section 4.2.2). The error is
// a *StatusError if the server refused; another answer may be accepted then.
func (s *Session) AnswerOffer(ctx context.Context, answer string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPatch, s.Location, strings.NewReader(answer))
	if err != nil {
		return fmt.Errorf("answer the counter-offer: %w", err)
	}
	req.Header.Set("Content-Type", SDPType)
	if s.ETag != "" {
		req.Header.Set("If-Match", s.ETag)
	}
	res, err := s.client.do(req, s.token)
	if err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		return refusal(res)
	}
	if etag := res.Header.Get(headerETag); etag != "" {
		s.ETag = etag
	}
	s.links = extensions(res.Response)
	return nil
}
