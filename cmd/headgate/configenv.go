package main

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

const envPrefix = "HEADGATE_"

// envSetting is a setting as the environment sees it.
type envSetting struct {
	path   string
	target reflect.Value
}

// applyEnv sets the settings of target from variables such as
// HEADGATE_CHANNELS_IDLE. Scalars are taken as they stand, lists of scalars are
// written with commas, other lists as YAML in one line. Every bad or unknown
// variable is reported, never with its value. Variables in reserved are somebody
// else's.
func applyEnv(target any, environ []string, reserved map[string]bool, from sources) error {
	known := make(map[string]envSetting)
	collectEnv("", reflect.ValueOf(target).Elem(), known)
	var errs []error
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, envPrefix) || reserved[name] {
			continue
		}
		setting, ok := known[name]
		if !ok {
			errs = append(errs, fmt.Errorf("unknown variable %s%s", name, suggestVariable(name, known)))
			continue
		}
		from[setting.path] = name
		if err := setting.set(name, value, from); err != nil {
			errs = append(errs, err)
			from.fault(setting.path)
		}
	}
	return errors.Join(errs...)
}

// suggestVariable keeps quiet when nothing is near: there are many variables.
func suggestVariable(name string, known map[string]envSetting) string {
	hint := suggest(name, slices.Collect(maps.Keys(known)))
	if strings.Contains(hint, "did you mean") {
		return hint
	}
	return "; `headgate serve --print-config` prints all settings"
}

// collectEnv finds the variable of every setting: the path in capitals, with
// underscores.
func collectEnv(path string, target reflect.Value, into map[string]envSetting) {
	for tag, field := range settings(target) {
		full := joinPath(path, tag)
		if field.Kind() == reflect.Struct {
			collectEnv(full, field, into)
			continue
		}
		into[envName(full)] = envSetting{path: full, target: field}
	}
}

func envName(path string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
}

func (s envSetting) set(name, value string, from sources) error {
	kind := s.target.Type()
	switch {
	case isScalar(kind):
		if err := setText(s.target, value); err != nil {
			return fmt.Errorf("%s must be %s", name, typeName(kind))
		}
		return nil
	case isScalar(kind.Elem()) && !strings.HasPrefix(strings.TrimSpace(value), "["):
		return s.setCommas(name, value)
	}
	return s.setYAML(name, value, from)
}

func (s envSetting) setCommas(name, value string) error {
	fresh := reflect.MakeSlice(s.target.Type(), 0, 4)
	for word := range strings.SplitSeq(value, ",") {
		word = strings.TrimSpace(word)
		if word == "" {
			continue
		}
		element := reflect.New(s.target.Type().Elem()).Elem()
		if err := setText(element, word); err != nil {
			return fmt.Errorf("%s must be a list of which each is %s", name, typeName(element.Type()))
		}
		fresh = reflect.Append(fresh, element)
	}
	s.target.Set(fresh)
	return nil
}

func (s envSetting) setYAML(name, value string, from sources) error {
	doc, err := parser.ParseBytes([]byte(value), 0, parser.AllowDuplicateMapKey())
	if err != nil || len(doc.Docs) != 1 || doc.Docs[0].Body == nil {
		return fmt.Errorf("%s must be a list, written as YAML in one line", name)
	}
	d := &decoder{from: from, where: func(ast.Node) string { return name }}
	d.list(s.path, doc.Docs[0].Body, s.target)
	return errors.Join(d.errs...)
}
