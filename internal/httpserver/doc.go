// Package httpserver is the HTTP server under everything the gateway says over
// HTTP: listeners, TLS, timeouts and limits, who the client really is, what the
// gateway's own address is, the access log, and health. It knows no routes but
// its own; others register theirs on Server.Echo.
package httpserver
