package negotiate

import (
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/testkit/offers"
)

func TestIceOptions(t *testing.T) {
	cases := map[string]string{
		"trickle":                      "trickle",
		"trickle ice2":                 "trickle ice2",
		"ice2,trickle":                 "ice2 trickle", // OBS
		"  trickle \t renomination ":   "trickle renomination",
		"":                             "",
		"a=b trickle":                  "trickle",
		strings.Repeat("x ", 20):       "x x x x x x x x",
		strings.Repeat("y", 40) + " z": "z",
	}
	for value, want := range cases {
		if got := iceOptions(value); got != want {
			t.Errorf("8839 5.6 %q: %q", value, got)
		}
	}
}

func TestFingerprintSyntax(t *testing.T) {
	good := strings.TrimSuffix(strings.Repeat("0A:", 32), ":")
	cases := map[string]bool{
		"sha-256 " + good:                               true,
		"SHA-256 " + strings.ToLower(good):              true,
		"sha-256  " + good:                              true,
		"sha-256 " + good[3:]:                           false,
		"sha-256 " + good + ":0A":                       false,
		"sha-256 " + strings.Repeat("0", 95):            false,
		"sha-256 " + strings.Repeat("G", 95):            false,
		"sha-256" + good:                                false,
		"md5 " + good[:47]:                              false,
		"sha-1 " + good[:59]:                            true,
		"sha-384 " + (good + ":" + good)[:143]:          true,
		"sha-384 " + good:                               false,
		"":                                              false,
		"sha-256 " + strings.Replace(good, ":", " ", 1): false,
	}
	for value, want := range cases {
		if got := strongest([]string{"", value}) != ""; got != want {
			t.Errorf("8122 5 %q: %v", value, got)
		}
	}
}

func TestTransportOfABundleOnlyFirstSection(t *testing.T) {
	// nothing of the kind is legal, but a tagged section without a transport
	// must not hide the one that another section has
	offer := edit(t, offers.Get("rfc9725"), "BUNDLE 0 1", "BUNDLE 1 0")
	o := mustParse(t, offer)
	if o.Ufrag != "wHiP" || o.Setup != setupActpass {
		t.Errorf("%q %q", o.Ufrag, o.Setup)
	}
}

func TestMaxMessageSizeIsANumber(t *testing.T) {
	cases := map[string]string{"262144": "262144", "0": "0", "-1": "", "99999999999": "", "1\u0661": "", "": ""}
	for value, want := range cases {
		if got := number(value); got != want {
			t.Errorf("8841 6 %q: %q", value, got)
		}
	}
}

func TestTokens(t *testing.T) {
	cases := map[string]bool{"0": true, "video0": true, "{a-b}": true, "a.b_c~!": true, "": false, "a b": false, "a:b": false, "a/b": false, "é": false, "a\"": false}
	for value, want := range cases {
		if got := isToken(value, 8); got != want {
			t.Errorf("8866 9 %q: %v", value, got)
		}
	}
	if isToken("123456789", 8) {
		t.Error("longer than its limit")
	}
}
