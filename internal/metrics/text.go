package metrics

import (
	"bytes"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/headgate/headgate/internal/histogram"
)

// ContentType is that of a page.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// page is an answer in the making.
type page struct{ bytes.Buffer }

// family is a metric with its samples, which follow one another.
type family struct {
	page *page
	name string
}

// gauge begins a family of numbers that go up and down.
func (p *page) gauge(name, help string) family { return p.family(name, "gauge", help) }

// counter begins a family of numbers that only grow; its name ends with _total.
func (p *page) counter(name, help string) family { return p.family(name, "counter", help) }

// distribution begins a family of histograms.
func (p *page) distribution(name, help string) family { return p.family(name, "histogram", help) }

// family begins a metric. help is one line.
func (p *page) family(name, kind, help string) family {
	name = "headgate_" + name
	p.WriteString("# HELP " + name + " " + help + "\n# TYPE " + name + " " + kind + "\n")
	return family{p, name}
}

// is adds a sample; labels are names and values in turn.
func (f family) is(v float64, labels ...string) { f.page.sample(f.name, v, labels) }

func (f family) count(v uint64, labels ...string) { f.is(float64(v), labels...) }

// of adds a histogram: cumulative buckets, the sum and the count.
func (f family) of(h *histogram.Histogram, labels ...string) {
	buckets := h.Cumulative()
	for _, bound := range slices.Sorted(maps.Keys(buckets)) {
		f.page.sample(f.name+"_bucket", float64(buckets[bound]), append(slices.Clone(labels), "le", number(bound)))
	}
	f.page.sample(f.name+"_bucket", float64(h.Count()), append(slices.Clone(labels), "le", "+Inf"))
	f.page.sample(f.name+"_sum", h.Sum(), labels)
	f.page.sample(f.name+"_count", float64(h.Count()), labels)
}

var escaper = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`) //nolint:gochecknoglobals // makes a label's value fit between quotes; never changes

func (p *page) sample(name string, v float64, labels []string) {
	p.WriteString(name)
	for i := 0; i+1 < len(labels); i += 2 {
		open := byte(',')
		if i == 0 {
			open = '{'
		}
		p.WriteByte(open)
		p.WriteString(labels[i] + `="` + escaper.Replace(labels[i+1]) + `"`)
	}
	if len(labels) > 0 {
		p.WriteByte('}')
	}
	p.WriteString(" " + number(v) + "\n")
}

// number writes whole numbers without an exponent, so that people can read them.
func number(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
		return strconv.FormatInt(int64(v), 10)
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}
