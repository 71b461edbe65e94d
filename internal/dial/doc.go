// Package dial connects the tools to WHIP and WHEP servers: one connection and
// its session, what is offered, and trying again when either goes away.
package dial
