package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
)

// Bounds of fetching a key set.
const (
	maxSetBytes  = 256 << 10
	maxSetKeys   = 64
	fetchTimeout = 5 * time.Second
	// fetchPause is the shortest time between two fetches: tokens with unknown
	// keys cost the attacker nothing.
	fetchPause = 10 * time.Second
	// retryPause is the time between two tries to renew a set that still works.
	retryPause = time.Minute
	// maxSetAge is how long a set works that cannot be renewed.
	maxSetAge = 24 * time.Hour
)

// keySet is a key set behind a URL (RFC 7517), fetched by the requests that
// need it, one at a time. It starts no goroutines.
type keySet struct {
	url     string
	refresh time.Duration
	log     *slog.Logger
	now     func() time.Time
	client  *http.Client
	fetcher chan struct{} // holds one token; whoever has it fetches

	mu        sync.Mutex
	current   []key
	fetchedAt time.Time // zero: never
	triedAt   time.Time // zero: never
}

func newKeySet(url string, refresh time.Duration, log *slog.Logger, now func() time.Time) *keySet {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	client := &http.Client{
		Timeout:       fetchTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DisableKeepAlives:      true, // once in ten minutes needs no idle connection
			MaxResponseHeaderBytes: 16 << 10,
		},
	}
	return &keySet{url: url, refresh: refresh, log: log, now: now, client: client, fetcher: make(chan struct{}, 1)}
}

// keys returns the set, fetching it when that is due: when it is old, or when
// the caller missed a key in it. A fetch that fails leaves the old set in
// force.
func (s *keySet) keys(ctx context.Context, missed bool) ([]key, error) {
	keys, due := s.look(missed)
	if due && s.acquire(ctx, len(keys) > 0 && !missed) {
		if _, due = s.look(missed); due { // nobody did it meanwhile
			s.fetch(ctx)
		}
		<-s.fetcher
	}
	if keys, _ = s.look(missed); len(keys) == 0 {
		return nil, ErrKeysUnavailable
	}
	return keys, nil
}

// look returns the keys that are still good, and whether to fetch.
func (s *keySet) look(missed bool) (keys []key, due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if !s.fetchedAt.IsZero() && now.Sub(s.fetchedAt) < maxSetAge {
		keys = s.current
	}
	sinceTry := now.Sub(s.triedAt)
	switch {
	case s.triedAt.IsZero():
		return keys, true
	case missed || len(keys) == 0:
		return keys, sinceTry >= fetchPause
	}
	return keys, now.Sub(s.fetchedAt) >= s.refresh && sinceTry >= min(s.refresh, retryPause)
}

// acquire waits for its turn to fetch, or, when there are keys that will do,
// only looks whether it is free.
func (s *keySet) acquire(ctx context.Context, only bool) bool {
	if only {
		select {
		case s.fetcher <- struct{}{}:
			return true
		default:
			return false
		}
	}
	select {
	case s.fetcher <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// fetch is not ended by ctx: a client that goes away must not keep the others
// from having keys. It takes at most fetchTimeout.
func (s *keySet) fetch(ctx context.Context) {
	keys, err := s.get(context.WithoutCancel(ctx))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.triedAt = s.now()
	if err != nil {
		s.log.Warn("cannot fetch the key set; tokens are verified by the old one if there is one", "url", s.url, "err", err)
		return
	}
	s.current, s.fetchedAt = keys, s.triedAt
}

func (s *keySet) get(ctx context.Context) ([]key, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	res, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d (redirects are not followed)", res.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxSetBytes+1))
	if err != nil {
		return nil, err
	}
	return parseSet(body)
}

// parseSet takes the keys it can use (RFC 7517 section 5: others are ignored).
// Symmetric keys are never taken: what is published is no secret.
func parseSet(body []byte) ([]key, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	switch {
	case len(body) > maxSetBytes:
		return nil, fmt.Errorf("more than %d bytes", maxSetBytes)
	case json.Unmarshal(body, &set) != nil:
		return nil, errors.New("not a JSON web key set")
	}
	var keys []key
	for _, raw := range set.Keys {
		if k, ok := parseSetKey(raw); ok && len(keys) < maxSetKeys {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("no key for ES256, RS256 or EdDSA in the set")
	}
	return keys, nil
}

func parseSetKey(raw []byte) (key, bool) {
	var web jose.JSONWebKey
	if err := web.UnmarshalJSON(raw); err != nil || web.Use != "" && web.Use != "sig" {
		return key{}, false
	}
	k, err := publicKey(web.KeyID, web.Key)
	if err != nil || web.Algorithm != "" && web.Algorithm != string(k.alg) {
		return key{}, false
	}
	return k, true
}
