package wish

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/linkhdr"
	"github.com/headgate/headgate/internal/signaling"
)

// Headers that echo has no name for.
const (
	headerETag        = "ETag"
	headerLink        = "Link"
	headerAcceptPost  = "Accept-Post"
	headerAcceptPatch = "Accept-Patch"
)

const relICEServer = "ice-server"

// writeLinks tells ICE servers (RFC 9725 section 4.6), each in a line of its own
// and those without TLS first: OBS reads only the first of a joined list and
// takes turns: for an error. The order of the parameters is what a widely copied
// player's regular expression wants; credential-type is from the drafts.
func writeLinks(h http.Header, servers []signaling.ICEServer) {
	sorted := slices.SortedStableFunc(slices.Values(servers), func(a, b signaling.ICEServer) int {
		return cmp.Compare(secure(a.URL), secure(b.URL))
	})
	for _, s := range sorted {
		link := linkhdr.Link{URI: s.URL, Rel: relICEServer}
		if s.Username != "" || s.Credential != "" {
			link.Params = []linkhdr.Param{
				{Name: "username", Value: s.Username},
				{Name: "credential", Value: s.Credential},
				{Name: "credential-type", Value: "password"},
			}
		}
		h.Add(headerLink, link.String())
	}
}

func secure(url string) int {
	if strings.HasPrefix(url, "stuns:") || strings.HasPrefix(url, "turns:") {
		return 1
	}
	return 0
}

// refusesType reports whether err is about the content type, which is answered
// with the header that says what is taken (RFC 9110 section 15.5.16).
func refusesType(err error) bool {
	f, ok := errors.AsType[*fault.Error](err)
	return ok && f.Kind == fault.UnsupportedType
}
