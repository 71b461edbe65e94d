package main

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
)

const envPrefix = "HEADGATE_"

// applyEnv sets the settings of target from variables such as
// HEADGATE_CHANNELS_IDLE. Values are written as in the file; lists may be
// written with commas. Every bad or unknown variable is reported. Variables in
// reserved are somebody else's.
func applyEnv(target any, environ []string, reserved map[string]bool) error {
	known := make(map[string]reflect.Value)
	collectEnv(envPrefix, reflect.ValueOf(target).Elem(), known)
	var errs []error
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, envPrefix) || reserved[name] {
			continue
		}
		field, ok := known[name]
		if !ok {
			errs = append(errs, fmt.Errorf("environment: unknown variable %s", name))
			continue
		}
		if err := setFromEnv(field, value); err != nil {
			errs = append(errs, fmt.Errorf("environment: %s must be %s", name, typeName(field.Type())))
		}
	}
	return errors.Join(errs...)
}

func collectEnv(prefix string, target reflect.Value, into map[string]reflect.Value) {
	for tag, field := range settings(target) {
		name := prefix + strings.ToUpper(tag)
		if field.Kind() == reflect.Struct {
			collectEnv(name+"_", field, into)
			continue
		}
		into[name] = field
	}
}

func setFromEnv(field reflect.Value, value string) error {
	switch {
	case field.Kind() == reflect.String:
		field.SetString(value)
		return nil
	case field.Kind() == reflect.Slice && field.Type().Elem().Kind() == reflect.String && !strings.HasPrefix(strings.TrimSpace(value), "["):
		value = "[" + value + "]"
	}
	fresh := reflect.New(field.Type())
	if err := yaml.UnmarshalWithOptions([]byte(value), fresh.Interface(), yaml.Strict()); err != nil {
		return err
	}
	field.Set(fresh.Elem())
	return nil
}
