package api

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/internal/fault"
)

var errQuery = fault.New(fault.Invalid, "bad-query",
	"The address has a query that cannot be read: limit is a number from 1 to 500, after is the cursor of the page before.")

const (
	defaultLimit = 100
	maxLimit     = 500
	// maxCursorBytes is above that of two names.
	maxCursorBytes = 256
)

// list answers with a page of all, which are in the order of their keys. The cursor
// is the last key that was told: what comes and goes between two pages neither
// repeats nor hides anything else.
func list[T any](c echo.Context, member string, all []T, key func(T) string) error {
	limit, after, err := pageOf(c)
	if err != nil {
		return err
	}
	if after != "" {
		first := slices.IndexFunc(all, func(e T) bool { return key(e) > after })
		if first < 0 {
			first = len(all)
		}
		all = all[first:]
	}
	document := map[string]any{member: append([]T{}, all[:min(limit, len(all))]...)}
	if len(all) > limit {
		document["next"] = base64.RawURLEncoding.EncodeToString([]byte(key(all[limit-1])))
	}
	return answer(c, http.StatusOK, document)
}

// pageOf reads which page is asked for.
func pageOf(c echo.Context) (limit int, after string, err error) {
	query, err := url.ParseQuery(c.Request().URL.RawQuery)
	if err != nil {
		return 0, "", errQuery
	}
	limit = defaultLimit
	if query.Has("limit") {
		limit, err = strconv.Atoi(query.Get("limit"))
		if err != nil || limit < 1 || limit > maxLimit {
			return 0, "", errQuery
		}
	}
	if !query.Has("after") {
		return limit, "", nil
	}
	key, err := base64.RawURLEncoding.Strict().DecodeString(query.Get("after"))
	if err != nil || len(key) == 0 || len(key) > maxCursorBytes {
		return 0, "", errQuery
	}
	return limit, string(key), nil
}
