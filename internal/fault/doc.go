// Package fault holds the errors a peer may be told about: a kind, a stable
// code and one public sentence. It knows no protocol and imports nothing of
// this module.
package fault
