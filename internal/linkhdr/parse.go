package linkhdr

import (
	"errors"
	"fmt"
	"strings"
)

// Bounds of what Parse reads.
const (
	maxBytes  = 64 << 10
	maxLinks  = 128
	maxParams = 32
)

// ErrBadLink is the error of a link-value that cannot be read.
var ErrBadLink = errors.New("bad Link header")

// Parse reads all Link header lines of a message; each may hold a list. A value
// it cannot read is skipped and told in the error, the others are returned all
// the same. name:"value" is read like name="value" (a GStreamer server writes
// it so).
func Parse(lines []string) ([]Link, error) {
	var links []Link
	var errs []error
	total := 0
	for _, line := range lines {
		if total += len(line); total > maxBytes {
			errs = append(errs, fmt.Errorf("%w: longer than %d bytes", ErrBadLink, maxBytes))
			break
		}
		p := parser{rest: line}
		for p.skip(" \t,"); p.rest != "" && len(links) < maxLinks; p.skip(" \t,") {
			l, err := p.link()
			if err != nil {
				errs = append(errs, err)
				p.recover()
				continue
			}
			links = append(links, l)
		}
	}
	return links, errors.Join(errs...)
}

type parser struct{ rest string }

func (p *parser) skip(chars string) { p.rest = strings.TrimLeft(p.rest, chars) }

// eat takes one of chars from the front.
func (p *parser) eat(chars string) bool {
	if p.rest == "" || strings.IndexByte(chars, p.rest[0]) < 0 {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

// until takes everything before the first of chars, or all.
func (p *parser) until(chars string) string {
	i := strings.IndexAny(p.rest, chars)
	if i < 0 {
		i = len(p.rest)
	}
	taken := p.rest[:i]
	p.rest = p.rest[i:]
	return taken
}

// recover goes on behind the next comma. A quoted comma may deceive it; what
// follows then fails to be a link, too.
func (p *parser) recover() {
	p.until(",")
}

// link reads "<" URI-Reference ">" *( OWS ";" OWS [ link-param ] ).
func (p *parser) link() (Link, error) {
	if !p.eat("<") {
		return Link{}, fmt.Errorf("%w: no < before the target", ErrBadLink)
	}
	l := Link{URI: strings.Trim(p.until(">"), " \t")}
	if !p.eat(">") {
		return Link{}, fmt.Errorf("%w: no > behind the target", ErrBadLink)
	}
	hasRel := false
	for p.skip(" \t"); p.eat(";"); p.skip(" \t") {
		param, err := p.param()
		switch {
		case err != nil:
			return Link{}, err
		case param.Name == "":
		case strings.EqualFold(param.Name, "rel"):
			if !hasRel { // later ones are ignored (RFC 8288 section 3.3)
				l.Rel, hasRel = param.Value, true
			}
		case len(l.Params) == maxParams:
			return Link{}, fmt.Errorf("%w: more than %d parameters", ErrBadLink, maxParams)
		default:
			l.Params = append(l.Params, param)
		}
	}
	if p.rest != "" && p.rest[0] != ',' {
		return Link{}, fmt.Errorf("%w: neither , nor ; behind a value", ErrBadLink)
	}
	return l, nil
}

// param reads token BWS [ "=" BWS ( token / quoted-string ) ]; nothing between
// two semicolons gives the zero Param.
func (p *parser) param() (Param, error) {
	p.skip(" \t")
	name := p.until("=:;, \t\"")
	p.skip(" \t")
	hasValue := p.eat("=:")
	if !isToken(name) && (hasValue || name != "") {
		return Param{}, fmt.Errorf("%w: a parameter without a good name", ErrBadLink)
	}
	if !hasValue {
		return Param{Name: name}, nil
	}
	p.skip(" \t")
	if !p.eat(`"`) {
		return Param{name, p.until(";, \t")}, nil
	}
	value, err := p.quoted()
	return Param{name, value}, err
}

// quoted reads the rest of a quoted-string (RFC 9110 section 5.6.4).
func (p *parser) quoted() (string, error) {
	var b strings.Builder
	for {
		b.WriteString(p.until(`"\`))
		switch {
		case p.eat(`"`):
			return b.String(), nil
		case len(p.rest) < 2:
			return "", fmt.Errorf("%w: a quoted value does not end", ErrBadLink)
		}
		b.WriteByte(p.rest[1])
		p.rest = p.rest[2:]
	}
}
