// Package doctor finds out why a gateway would not be reached, or does not do well:
// on the machine it runs on (Local), and from outside (Remote, against any server
// that speaks WHIP and WHEP).
//
// A check is a function of what it needs to know of the world; Machine and the
// network are handed in, so that both outcomes of every check can be tested. What
// comes out are findings: a level, a sentence, and what to do. docs/doctor.md lists
// them all.
package doctor
