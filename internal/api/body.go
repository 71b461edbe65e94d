package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/internal/fault"
)

const (
	// maxBodyBytes bounds what is read of a body.
	maxBodyBytes = 64 << 10
	jsonType     = "application/json"
)

var (
	errBody = fault.New(fault.Invalid, "bad-body",
		"The body is not what this address takes; api/v1/openapi.yaml describes it.")
	errIncomplete = fault.New(fault.Invalid, "body-incomplete",
		"The body did not arrive completely and in time; send it again.")
	errType = fault.New(fault.UnsupportedType, "unsupported-type",
		"This address takes a body with Content-Type: application/json.")
	errEncoding = fault.New(fault.UnsupportedType, "unsupported-encoding",
		"The body is compressed or otherwise encoded; send it plain, without Content-Encoding.")
	errTooLarge = fault.New(fault.TooLarge, "too-large",
		"The body is larger than 65536 bytes; send less.")
)

// body reads the JSON object of a request into document, a pointer to a struct. Every
// mistake is an error: nobody shall believe that a misspelt setting holds.
func body(c echo.Context, document any) error {
	text, err := read(c)
	if err != nil {
		return err
	}
	return decode(text, document)
}

// optionalBody is body where there need not be any.
func optionalBody(c echo.Context, document any) error {
	if c.Request().ContentLength == 0 {
		return nil
	}
	return body(c, document)
}

func read(c echo.Context) ([]byte, error) {
	r := c.Request()
	mediaType, _, _ := strings.Cut(r.Header.Get(echo.HeaderContentType), ";")
	if !strings.EqualFold(strings.TrimSpace(mediaType), jsonType) {
		return nil, errType
	}
	if enc := r.Header.Get(echo.HeaderContentEncoding); enc != "" && !strings.EqualFold(enc, "identity") {
		return nil, errEncoding
	}
	if r.ContentLength > maxBodyBytes {
		return nil, errTooLarge
	}
	text, err := io.ReadAll(io.LimitReader(r.Body, maxBodyBytes+1))
	if len(text) > maxBodyBytes {
		return nil, errTooLarge
	}
	if _, ours := errors.AsType[*fault.Error](err); err != nil && !ours {
		return nil, fmt.Errorf("%w (after %d bytes: %w)", errIncomplete, len(text), err)
	}
	return text, err
}

// decode is strict where encoding/json is not: members are known by their exact
// names, null is no value, and nothing follows the object.
func decode(text []byte, document any) error {
	if !utf8.Valid(text) {
		return errBody.Because("The body is not UTF-8.")
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil || members == nil {
		return errBody.Because("The body must be one JSON object, such as {}.")
	}
	known := memberNames(document)
	for name, value := range members {
		if !known[name] {
			return errBody.Because("The body has a member %q, which this address does not know; leave it out.", shorten(name))
		}
		if hasNull(value) {
			return errBody.Because("The member %q is null, or has null in it; leave out what has no value.", name)
		}
	}
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(document); err != nil {
		return explain(err)
	}
	return nil
}

// explain says which member is wrong. What encoding/json says of it is in the words
// of Go, so it is not passed on.
func explain(err error) error {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
		return errBody.Because("The member %q must not be a %s.", shorten(wrong.Field), wrong.Value)
	}
	return errBody.Because("A member of the body is not of its type; times look like 2026-01-31T12:00:00Z.")
}

func shorten(s string) string {
	const limit = 64
	if len(s) > limit {
		return strings.ToValidUTF8(s[:limit], "")
	}
	return s
}

func hasNull(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case []any:
		for _, e := range v {
			if hasNull(e) {
				return true
			}
		}
	case map[string]any:
		for _, e := range v {
			if hasNull(e) {
				return true
			}
		}
	}
	return false
}

// memberNames are those of the JSON object that document points to.
func memberNames(document any) map[string]bool {
	known := make(map[string]bool)
	addMembers(known, reflect.TypeOf(document).Elem())
	return known
}

func addMembers(known map[string]bool, t reflect.Type) {
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case field.Anonymous && name == "":
			addMembers(known, field.Type)
		case name != "" && name != "-":
			known[name] = true
		}
	}
}

// wrong refuses a member of a body.
func wrong(member, format string, args ...any) error {
	return errBody.Because("The member %q %s.", member, fmt.Sprintf(format, args...))
}
