package auth

import "strings"

// MaxTokenBytes is the longest token that is looked at.
const MaxTokenBytes = 8192

// CredentialFrom reads the value of an Authorization header (RFC 6750 section
// 2.1); an empty one is no credential. The scheme is case-insensitive. With
// acceptRaw a value without a scheme is taken for the token itself.
func CredentialFrom(header string, acceptRaw bool) Credential {
	header = strings.Trim(header, " \t")
	if header == "" {
		return Credential{}
	}
	scheme, token, found := strings.Cut(header, " ")
	isBearer := strings.EqualFold(scheme, "bearer")
	switch {
	case found && isBearer:
		token = strings.Trim(token, " \t")
	case !found && !isBearer && acceptRaw:
		token = header
	default:
		return Credential{Malformed: true}
	}
	if !isB64Token(token) {
		return Credential{Malformed: true}
	}
	return Credential{Token: token}
}

// isB64Token reports whether s is a b64token of at most MaxTokenBytes (RFC 6750
// section 2.1).
func isB64Token(s string) bool {
	body := strings.TrimRight(s, "=")
	if body == "" || len(s) > MaxTokenBytes {
		return false
	}
	for i := range len(body) {
		if !isTokenByte(body[i]) {
			return false
		}
	}
	return true
}

func isTokenByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return strings.IndexByte("-._~+/", c) >= 0
}
