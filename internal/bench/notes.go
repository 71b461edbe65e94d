package bench

import (
	"fmt"
	"runtime"
)

const (
	// fullShare of its processors: from there on the client measures itself.
	fullShare = 0.95
	// lateMilliseconds are a publisher's: from there on it is no steady source.
	lateMilliseconds = 50
	// otherShare of a core, used by others, is more than a machine at rest needs.
	otherShare = 0.15
)

// clientFull tells that this program had no processor time to spare.
func (p *Point) clientFull() bool {
	return p.ClientCores >= fullShare*float64(runtime.GOMAXPROCS(0))
}

// notes say what speaks against the figures of a point.
func notes(p *Point) (list []string) {
	note := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	if p.clientFull() {
		note("the client used %.2f of its %d cores: delays and loss may be its own", p.ClientCores, runtime.GOMAXPROCS(0))
	}
	if p.Server != nil && p.OtherCores > otherShare {
		note("other programs used %.2f cores of this machine meanwhile", p.OtherCores)
	}
	if p.Overflow > 0 {
		note("%d packets were dropped at the viewers' sockets, because the client read too slowly", p.Overflow)
	}
	if p.PublisherLate > lateMilliseconds {
		note("a publisher sent %.0f ms late: this machine had no time for it", p.PublisherLate)
	}
	if p.JoinErrors > 0 {
		note("%d viewers could not join: %s", p.JoinErrors, p.FirstError)
	}
	if p.NoKeyFrame > 0 {
		note("%d viewers had no key frame until the end", p.NoKeyFrame)
	}
	if p.StepsBack > 0 {
		note("%d timestamps stepped back", p.StepsBack)
	}
	if p.Packets == 0 {
		note("nothing arrived")
	}
	return list
}

// brief is a point in one line.
func (p *Point) brief() string {
	text := fmt.Sprintf("%d viewers: loss %s %%, delay p50 %s, p99 %s ms", p.Viewers, number(p.LossPercent), number(p.DelayP50), number(p.DelayP99))
	if p.Server != nil {
		text += fmt.Sprintf(", %s µs a packet, %s cores", number(p.CPUPerPacket), number(p.Cores))
	}
	return text
}
