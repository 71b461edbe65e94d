// Package auth decides who may publish, play or administer what, as whom and
// until when. It knows no HTTP.
package auth
