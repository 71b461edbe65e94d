// Package events keeps what happened in an ordered, bounded log and tells it to any
// number of readers, over HTTP as server-sent events (HTML standard, section 9.2).
//
// A producer never waits: a reader that falls behind the log is cut off. A reader
// goes on where it left off, if that is still kept, and else is given a snapshot
// of the state first, which the owner of the log makes.
//
// The log starts no goroutine and asks no clock; its lock is a leaf.
package events
