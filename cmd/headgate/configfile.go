package main

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/headgate/headgate/auth"
)

// decoder puts YAML into a struct and keeps book of what came from where.
type decoder struct {
	from sources
	// where names the source of a node.
	where func(ast.Node) string
	errs  []error
}

// decodeConfig reads YAML strictly into target, a pointer to a struct whose
// fields have yaml tags. It reports every unknown setting and every value of the
// wrong type at once, each with its line. Settings the file does not name, or
// names without a value, keep the value they have. Errors never show a secret.
func decodeConfig(name string, text []byte, target any, from sources) error {
	doc, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey()) // duplicates are ours to report
	if err != nil {
		return syntaxError(name, err)
	}
	if len(doc.Docs) > 1 {
		return fmt.Errorf("%s: holds %d documents; put everything into one", name, len(doc.Docs))
	}
	d := &decoder{from: from, where: func(n ast.Node) string { return fmt.Sprintf("%s:%d", name, n.GetToken().Position.Line) }}
	if len(doc.Docs) == 1 && doc.Docs[0].Body != nil {
		d.value("", doc.Docs[0].Body, reflect.ValueOf(target).Elem())
	}
	return errors.Join(d.errs...)
}

// syntaxError leaves out the excerpt of the source, which may hold secrets.
func syntaxError(name string, err error) error {
	if e, ok := errors.AsType[yaml.Error](err); ok && e.GetToken() != nil {
		return fmt.Errorf("%s:%d: %s", name, e.GetToken().Position.Line, e.GetMessage())
	}
	return fmt.Errorf("%s: is not YAML", name)
}

func (d *decoder) fail(node ast.Node, format string, args ...any) {
	d.errs = append(d.errs, fmt.Errorf("%s: %s", d.where(node), fmt.Sprintf(format, args...)))
}

// bad reports a setting that could not be set.
func (d *decoder) bad(path string, node ast.Node, format string, args ...any) {
	d.fail(node, format, args...)
	d.from.fault(path)
}

func (d *decoder) value(path string, node ast.Node, target reflect.Value) {
	switch {
	case node == nil || node.Type() == ast.NullType: // named without a value: the default stays
	case isScalar(target.Type()):
		d.scalar(path, node, target)
	case target.Kind() == reflect.Struct:
		d.object(path, node, target)
	default:
		d.list(path, node, target)
	}
}

// object decodes a mapping into a struct.
func (d *decoder) object(path string, node ast.Node, target reflect.Value) {
	entries, ok := mapEntries(node)
	if !ok {
		d.mismatch(path, node, target.Type())
		return
	}
	fields := settings(target)
	first := make(map[string]int)
	for _, entry := range entries {
		key := entry.Key.GetToken().Value
		full := joinPath(path, key)
		line := entry.Key.GetToken().Position.Line
		field, known := fields[key]
		before, twice := first[key]
		switch {
		case !known:
			d.fail(entry.Key, "unknown setting %s%s", full, suggest(key, names(fields)))
		case twice:
			d.fail(entry.Key, "%s stands here a second time (first in line %d)", full, before)
		default:
			first[key] = line
			d.from[full] = d.where(entry.Key)
			d.value(full, entry.Value, field)
		}
	}
}

// list decodes a sequence into a slice, which replaces the one there was.
func (d *decoder) list(path string, node ast.Node, target reflect.Value) {
	seq, ok := node.(*ast.SequenceNode)
	if !ok {
		d.mismatch(path, node, target.Type())
		return
	}
	fresh := reflect.MakeSlice(target.Type(), len(seq.Values), len(seq.Values))
	for i, element := range seq.Values {
		full := fmt.Sprintf("%s[%d]", path, i)
		if element == nil || element.Type() == ast.NullType {
			d.fail(node, "%s has no value; write one or remove it", full)
			continue
		}
		d.from[full] = d.where(element)
		d.value(full, element, fresh.Index(i))
	}
	target.Set(fresh)
}

func (d *decoder) scalar(path string, node ast.Node, target reflect.Value) {
	text, ok := scalarText(node)
	if !ok {
		d.mismatch(path, node, target.Type())
		return
	}
	if target.Type() == reflect.TypeFor[auth.Secret]() && text == hiddenSecret {
		d.bad(path, node, "%s is only the placeholder of a printed configuration; write the secret itself", path)
		return
	}
	if err := setText(target, text); err != nil {
		d.bad(path, node, "%s must be %s, got %s", path, typeName(target.Type()), shown(text))
	}
}

// mismatch reports a value of another shape than the setting has.
func (d *decoder) mismatch(path string, node ast.Node, want reflect.Type) {
	d.bad(path, node, "%s must be %s, got %s", cmp.Or(path, "the file"), typeName(want), shape(node))
}

// shape says what a node is without showing what is in it.
func shape(node ast.Node) string {
	switch node.Type() {
	case ast.MappingType, ast.MappingValueType:
		return "a mapping"
	case ast.SequenceType:
		return "a list"
	case ast.AnchorType, ast.AliasType, ast.TagType, ast.MergeKeyType:
		return "an anchor, alias or tag, which are not supported here"
	default:
		return "a single value"
	}
}

// scalarText returns a scalar as it is written, without quotes.
func scalarText(node ast.Node) (string, bool) {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return node.GetToken().Value, true
	}
	return "", false
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
		tag, _, _ := strings.Cut(target.Type().Field(i).Tag.Get("yaml"), ",")
		if tag != "" && tag != "-" {
			fields[tag] = target.Field(i)
		}
	}
	return fields
}

func names(fields map[string]reflect.Value) []string {
	list := make([]string, 0, len(fields))
	for name := range fields {
		list = append(list, name)
	}
	return list
}

func joinPath(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
