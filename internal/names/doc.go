// Package names knows what channels, participants and sources may be called and
// how a name is written into an address. Every handler reads names from the
// escaped path by Split and prints them by Join, so that all spellings of a name
// are the same name for everybody.
package names
