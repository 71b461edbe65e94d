package auth

import "log/slog"

const hidden = "[hidden]"

// Secret is a text from the configuration that must not be shown: formatting,
// logging and marshalling print a placeholder. Convert it to string to use it.
type Secret string

// String returns a placeholder, or nothing for an empty secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return s.String() }

// LogValue hides the secret from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides the secret from encoders, for example of a printed
// configuration.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
