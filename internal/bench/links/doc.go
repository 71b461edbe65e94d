// Package links measures how a gateway adapts to viewers behind narrow lines.
//
// It builds a small network of namespaces on this machine (Linux, root), in which a
// token bucket (tc-tbf) narrows the way to each viewer, starts the gateway and a
// publisher of simulcast in one namespace and one viewer in each of the others, and
// judges what the viewers saw:
//
//	Measure ─┬─ network    namespaces, veth pairs, tbf
//	         ├─ processes  serve, publish, and a Watch for each line
//	         └─ judge      Trace and Line ─> Verdict           pure
//
// All processes share the machine's clock, so the stamps in packets tell the time on
// the way, and that less its minimum is the queue.
package links
