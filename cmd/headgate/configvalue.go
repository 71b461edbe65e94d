package main

import (
	"errors"
	"math"
	"reflect"
	"strconv"
	"time"

	"github.com/headgate/headgate/auth"
)

// hiddenSecret is what --print-config shows instead of a secret.
var hiddenSecret = auth.Secret("secret").String() //nolint:gochecknoglobals // never changes

// errValue tells that a text is not a value of the wanted type.
var errValue = errors.New("wrong type")

// setText sets a scalar setting from its text as written. Nothing is guessed: a
// duration wants a unit, a number is decimal, and texts stay as they stand, so
// that 0042 is no 34.
func setText(target reflect.Value, text string) error {
	switch target.Interface().(type) {
	case time.Duration:
		d, err := time.ParseDuration(text)
		return assign(target, reflect.ValueOf(d), err)
	case time.Time:
		t, err := time.Parse(time.RFC3339, text)
		return assign(target, reflect.ValueOf(t), err)
	}
	switch kind := target.Kind(); {
	case kind == reflect.String:
		target.SetString(text)
		return nil
	case kind == reflect.Bool:
		return assign(target, reflect.ValueOf(text == "true"), unless(text == "true" || text == "false"))
	case kind >= reflect.Int && kind <= reflect.Int64:
		n, err := strconv.ParseInt(text, 10, target.Type().Bits())
		return assign(target, reflect.ValueOf(n), err)
	case kind == reflect.Float64:
		f, err := strconv.ParseFloat(text, 64)
		return assign(target, reflect.ValueOf(f), errors.Join(err, unless(!math.IsNaN(f) && !math.IsInf(f, 0))))
	}
	return errValue
}

func assign(target, value reflect.Value, err error) error {
	if err == nil {
		target.Set(value.Convert(target.Type()))
	}
	return err
}

func unless(ok bool) error {
	if ok {
		return nil
	}
	return errValue
}

// isScalar tells whether a setting of this type is written as one text.
func isScalar(t reflect.Type) bool {
	return t == reflect.TypeFor[time.Time]() || t.Kind() != reflect.Struct && t.Kind() != reflect.Slice
}

// typeName says in words what a setting takes.
func typeName(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return `a duration such as "5s" or "2m"`
	case t == reflect.TypeFor[time.Time]():
		return `a time such as "2030-12-31T23:59:59Z"`
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.String:
		return "a text"
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
		return "a list of settings"
	case t.Kind() == reflect.Slice:
		return "a list"
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Int64:
		return "a whole number"
	case t.Kind() == reflect.Float64:
		return "a number"
	}
	return "a mapping of settings"
}

// shown is what an error says about a value: not much. Secrets are texts, which
// are never of the wrong type.
func shown(text string) string {
	const most = 40
	if len(text) > most {
		return strconv.Quote(text[:most]) + "…"
	}
	return strconv.Quote(text)
}
