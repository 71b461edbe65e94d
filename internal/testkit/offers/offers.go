package offers

import (
	"embed"
	"slices"
	"strings"
)

//go:embed testdata/*.sdp
var files embed.FS

const suffix = ".sdp"

// Get returns the offer of that name with CRLF line ends. It panics on a name
// that is not in Names: a test that asks for it is wrong.
func Get(name string) string {
	b, err := files.ReadFile("testdata/" + name + suffix)
	if err != nil {
		panic("offers: there is no " + name)
	}
	return strings.ReplaceAll(string(b), "\n", "\r\n")
}

// Names lists all offers in alphabetical order.
func Names() []string {
	entries, err := files.ReadDir("testdata")
	if err != nil {
		panic(err)
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), suffix))
	}
	slices.Sort(names)
	return names
}
