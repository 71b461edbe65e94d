package main

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// configFile is a configuration file and where in it each setting stands.
type configFile struct {
	name  string
	lines map[string]int // path of a setting, for example "channels.idle", to its line
	errs  []error
}

// decodeConfig reads YAML strictly into target, a pointer to a struct whose
// fields have yaml tags. It reports every unknown setting and every value of the
// wrong type at once, each with its line. Settings the file does not name keep
// their value.
func decodeConfig(name string, text []byte, target any) (*configFile, error) {
	f := &configFile{name: name, lines: make(map[string]int)}
	doc, err := parser.ParseBytes(text, 0)
	if err != nil {
		return f, fmt.Errorf("%s: %s", name, yaml.FormatError(err, false, true))
	}
	if len(doc.Docs) > 1 {
		return f, fmt.Errorf("%s: holds %d documents; put everything into one", name, len(doc.Docs))
	}
	if len(doc.Docs) == 1 && doc.Docs[0].Body != nil {
		f.object("", doc.Docs[0].Body, reflect.ValueOf(target).Elem())
	}
	return f, errors.Join(f.errs...)
}

func (f *configFile) fail(node ast.Node, format string, args ...any) {
	f.errs = append(f.errs, fmt.Errorf("%s:%d: %s", f.name, lineOf(node), fmt.Sprintf(format, args...)))
}

func lineOf(node ast.Node) int { return node.GetToken().Position.Line }

// object decodes a mapping into a struct.
func (f *configFile) object(path string, node ast.Node, target reflect.Value) {
	if _, null := node.(*ast.NullNode); null {
		return
	}
	entries, ok := mapEntries(node)
	if !ok {
		f.fail(node, "%s must be a mapping of settings, got %s", orTop(path), strings.ToLower(node.Type().String()))
		return
	}
	fields := settings(target)
	for _, entry := range entries {
		key := entry.Key.String()
		full := joinPath(path, key)
		field, ok := fields[key]
		if !ok {
			f.fail(entry.Key, "unknown setting %s%s", full, suggest(key, fields))
			continue
		}
		if _, twice := f.lines[full]; twice {
			f.fail(entry.Key, "%s stands here a second time (first in line %d)", full, f.lines[full])
			continue
		}
		f.lines[full] = lineOf(entry.Key)
		f.value(full, entry.Value, field)
	}
}

func (f *configFile) value(path string, node ast.Node, target reflect.Value) {
	if target.Kind() == reflect.Struct {
		f.object(path, node, target)
		return
	}
	fresh := reflect.New(target.Type())
	if err := yaml.NodeToValue(node, fresh.Interface(), yaml.Strict()); err != nil {
		f.fail(node, "%s must be %s, got %s", path, typeName(target.Type()), strings.TrimSpace(node.String()))
		return
	}
	target.Set(fresh.Elem())
}

// locate puts file and line in front of faults that name a setting of the file.
func (f *configFile) locate(err error) error {
	if err == nil || f == nil {
		return err
	}
	var located []error
	for line := range strings.SplitSeq(err.Error(), "\n") {
		path, _, _ := strings.Cut(line, ":")
		if at := f.line(path); at > 0 {
			line = fmt.Sprintf("%s:%d: %s", f.name, at, line)
		}
		located = append(located, errors.New(line))
	}
	return errors.Join(located...)
}

// line finds the line of a setting, or of the nearest one around it.
func (f *configFile) line(path string) int {
	for path != "" {
		if at, ok := f.lines[path]; ok {
			return at
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			return 0
		}
		path = path[:i]
	}
	return 0
}

func mapEntries(node ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := node.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

// settings lists the fields of a struct by yaml tag; those tagged "-" and those
// without a tag are no settings.
func settings(target reflect.Value) map[string]reflect.Value {
	fields := make(map[string]reflect.Value)
	for i := range target.NumField() {
		tag, options, _ := strings.Cut(target.Type().Field(i).Tag.Get("yaml"), ",")
		switch {
		case options == "inline":
			for name, field := range settings(target.Field(i)) {
				fields[name] = field
			}
		case tag != "" && tag != "-":
			fields[tag] = target.Field(i)
		}
	}
	return fields
}

func orTop(path string) string {
	if path == "" {
		return "the file"
	}
	return path
}

func joinPath(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// typeName says in words what a setting takes.
func typeName(t reflect.Type) string {
	switch {
	case t.String() == "time.Duration":
		return `a duration such as "5s" or "2m"`
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.String:
		return "a text"
	case t.Kind() == reflect.Slice:
		return "a list"
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Float64:
		return "a number"
	}
	return "a " + t.Kind().String()
}

// suggest names the known setting that is nearest to a misspelt one.
func suggest(key string, fields map[string]reflect.Value) string {
	best, distance := "", 3
	for _, name := range sortedNames(fields) {
		if d := editDistance(key, name); d < distance {
			best, distance = name, d
		}
	}
	if best != "" {
		return "; did you mean " + best + "?"
	}
	return "; known here: " + strings.Join(sortedNames(fields), ", ")
}

func sortedNames(fields map[string]reflect.Value) []string {
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// editDistance is Levenshtein's.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
