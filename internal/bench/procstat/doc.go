// Package procstat reads what a process of this machine has used of processor
// and memory, from the outside. It works on Linux only.
package procstat
