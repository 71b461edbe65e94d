package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/problem"
)

const repository = "../../"

// TestEveryProblemCodeIsExplained compares docs/errors.md with the sentinels in
// the source.
func TestEveryProblemCodeIsExplained(t *testing.T) {
	text, err := os.ReadFile(repository + "docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	explained := make(map[string]bool)
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| (\\d+) \\| ([^|]+) \\| ([^|]+) \\|$").FindAllStringSubmatch(string(text), -1) {
		explained[row[1]+" "+row[2]] = true
	}
	declared := declaredProblems(t)
	for problem, where := range declared {
		if !explained[problem] {
			t.Errorf("%s is declared in %s and not explained in docs/errors.md", problem, where)
		}
	}
	for problem := range explained {
		if declared[problem] == "" {
			t.Errorf("docs/errors.md explains %s, which nobody declares", problem)
		}
	}
	if len(declared) < 60 {
		t.Errorf("only %d problems were found in the source", len(declared))
	}
}

// declaredProblems finds every call of fault.New: "code status" to its place.
func declaredProblems(t *testing.T) map[string]string {
	t.Helper()
	found := make(map[string]string)
	visit := func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && entry.Name() == ".git" {
			return fs.SkipDir
		}
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") ||
			strings.Contains(path, "wishtest") || strings.Contains(path, "testkit") {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && len(call.Args) == 3 && makesFault(call, file.Name.Name) {
				found[code(t, call)+" "+status(t, call)] = set.Position(call.Pos()).String()
			}
			return true
		})
		return nil
	}
	if err := filepath.WalkDir(repository, visit); err != nil {
		t.Fatal(err)
	}
	return found
}

// makesFault recognises fault.New, and New inside package fault.
func makesFault(call *ast.CallExpr, pkg string) bool {
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		x, ok := f.X.(*ast.Ident)
		return ok && x.Name == "fault" && f.Sel.Name == "New"
	case *ast.Ident:
		return pkg == "fault" && f.Name == "New"
	}
	return false
}

func code(t *testing.T, call *ast.CallExpr) string {
	t.Helper()
	literal, ok := call.Args[1].(*ast.BasicLit)
	if !ok {
		t.Fatalf("a code that is no literal: %v", call.Args[1])
	}
	text, err := strconv.Unquote(literal.Value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func status(t *testing.T, call *ast.CallExpr) string {
	t.Helper()
	name := ""
	switch kind := call.Args[0].(type) {
	case *ast.SelectorExpr:
		name = kind.Sel.Name
	case *ast.Ident:
		name = kind.Name
	}
	kind, ok := kindNames()[name]
	if !ok {
		t.Fatalf("kind %q is not known here", name)
	}
	return fmt.Sprint(problem.Status(kind))
}

func kindNames() map[string]fault.Kind {
	return map[string]fault.Kind{
		"Internal": fault.Internal, "Invalid": fault.Invalid, "Unauthenticated": fault.Unauthenticated, "Forbidden": fault.Forbidden,
		"NotFound": fault.NotFound, "MethodNotAllowed": fault.MethodNotAllowed, "Conflict": fault.Conflict,
		"PreconditionFailed": fault.PreconditionFailed, "PreconditionRequired": fault.PreconditionRequired, "TooLarge": fault.TooLarge,
		"UnsupportedType": fault.UnsupportedType, "Misdirected": fault.Misdirected, "Unprocessable": fault.Unprocessable,
		"RateLimited": fault.RateLimited, "NotImplemented": fault.NotImplemented, "Unavailable": fault.Unavailable,
	}
}
