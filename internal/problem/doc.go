// Package problem turns errors into answers: the only writer of error bodies
// (RFC 9457) and the only place that logs failed requests. What a peer reads is
// the public sentence of a fault; the context around it stays here.
package problem
