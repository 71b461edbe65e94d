// Package metrics tells what the gateway does in the text format of Prometheus
// (version 0.0.4): names are stable, begin with headgate_ and stand in
// docs/metrics.md. Everything is read when somebody asks; nothing is counted
// here. Labels are words of a bounded list, never names of channels, ids of
// sessions or addresses.
package metrics
