// Package bench measures WHIP and WHEP servers: it publishes streams whose
// packets carry the time they were sent, plays them with any number of viewers,
// and reports what arrived, how late, and, where it may look at the server's
// process, what that cost.
//
//	Scenario ─> Run ─┬─ source    publishers, one per channel
//	                 ├─ audience  viewers, all in this process
//	                 ├─ procstat  the server's processor time and memory
//	                 └─ floor     the least this machine needs per packet
//	                 ▼
//	              Report ─> table, JSON, HTML
//
// Publishers and viewers share a clock because they share a process, so delays
// are exact without any agreement with the server.
package bench
