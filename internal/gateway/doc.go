// Package gateway puts a Headgate together: HTTP, authority, sessions, media
// and pages. The binary, the tests and the demo use it.
package gateway
