// Package bwe estimates what the way to one receiver carries, and shares that out
// among what the receiver wants to see.
//
//	packets sent ──> Estimator <── transport-wide feedback, REMB, receiver reports
//	                     │ bits per second, and when to probe for more
//	                     ▼
//	demands ───────> Allocator ──> a step for each section, or a pause
//
// Both are pure: time comes in with every call, nothing is started, nothing is
// locked, and in steady state nothing is allocated. They know no RTP and no
// connection: what to send, and how, is the router's business.
package bwe
