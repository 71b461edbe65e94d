package conformance

import (
	"fmt"
	"io"
	"strings"
)

const markdownHead = `# Conformance

Made by ` + "`make conformance`" + `, which runs the cases of ` + "`headgate conform`" + ` over real sockets against this gateway in several
configurations (open, with tokens, waiting channels, ICE-lite, limits that count this machine, and others) and merges the results.
Do not edit.

**%s**

- The level is the strongest word of the texts about what a case checks; ADVICE is where they are silent and experience with clients is not.
- Requirement ids are explained in the last section; a case that fails names what it saw.
- A case is skipped only where no configuration could show it, and says why.

| case | result | level | requirement | clause | what the server does | note |
| --- | --- | --- | --- | --- | --- | --- |
`

// WriteMarkdown writes the report as a page. Nothing in it depends on when or
// where it was made.
func (r Report) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, markdownHead, r.Summary())
	for _, result := range r.Results {
		cells := []string{
			result.ID, string(result.Outcome), result.Level.String(), strings.Join(result.Proves, ", "),
			result.Clause, result.Title, result.Note,
		}
		for i := range cells {
			cells[i] = cell(cells[i])
		}
		b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
	}
	b.WriteString(markdownFoot)
	_, err := io.WriteString(w, b.String())
	return err
}

// cell keeps text from ending a cell.
func cell(s string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ", "<", "&lt;").Replace(s)
}

const markdownFoot = `
## Requirement ids

| ids | about |
| --- | --- |
| N-001 to N-014 | HTTP basics: methods, media types, bodies, addresses |
| N-020 to N-039 | POST to an endpoint |
| N-050 to N-068 | constraints on the answer |
| N-080 to N-092 | OPTIONS and cross-origin requests |
| N-100 to N-118 | PATCH: trickle ICE |
| N-130 to N-140 | PATCH: ICE restart |
| N-150 to N-159 | DELETE, liveness, teardown |
| N-170 to N-175 | load balancing and redirects |
| N-180 to N-184 | ICE servers in Link |
| N-190 to N-201 | authentication and authorisation |
| N-210 to N-217 | simulcast |
| N-220 to N-222 | data channels |
| N-230 to N-233 | extensions |
| M-… | the media plane |
| W-… | what only the playback draft has |
| V-01 to V-25 | the extensions of the playback draft: events, layer selection |
| D…, Q-… | places where the texts contradict themselves; known clients |
`
