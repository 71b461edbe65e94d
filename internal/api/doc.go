// Package api is REST under /api/v1, for the gateway's own pages: who is on air,
// and what a client must know to take part. It is same-origin: no CORS headers.
package api
