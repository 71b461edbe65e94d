package negotiate

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/testkit/offers"
	"github.com/pion/sdp/v3"
)

func FuzzOffer(f *testing.F) {
	for _, name := range offers.Names() {
		f.Add([]byte(offers.Get(name)))
	}
	for _, h := range hostile() {
		if len(h) < 16<<10 {
			f.Add([]byte(h))
		}
	}
	for _, n := range []int{2, 5} {
		f.Add([]byte(offers.WithSections(offers.Get("chrome-play"), n, n)))
		f.Add([]byte(offers.WithSections(offers.Get("gstreamer-play"), n, 1)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := ParseOffer(b)
		if err != nil {
			refusedProperly(t, err)
			return
		}
		_ = o.Summary()
		plan, err := o.ForPublish(anyPublisher)
		checkPlan(t, plan, err, func(o *Offer) (*Plan, error) { return o.ForPublish(anyPublisher) })
		for _, policy := range []PlayPolicy{liveChannel(), waitingChannel(), withSlots(liveChannel(), 9), withSlots(waitingChannel(), 32)} {
			plan, err = o.ForPlay(policy)
			checkPlan(t, plan, err, func(o *Offer) (*Plan, error) { return o.ForPlay(policy) })
		}
	})
}

func refusedProperly(t *testing.T, err error) {
	t.Helper()
	var refusal *fault.Error
	if !errors.As(err, &refusal) || refusal.Kind == fault.Internal || refusal.Public == "" {
		t.Fatalf("refused with %v", err)
	}
}

// checkPlan wants a plan's SDP to parse, to be no larger than what it was cut
// from allows, and to be planned again as the same.
func checkPlan(t *testing.T, plan *Plan, err error, again func(*Offer) (*Plan, error)) {
	t.Helper()
	if err != nil {
		refusedProperly(t, err)
		return
	}
	var desc sdp.SessionDescription
	if err := desc.UnmarshalString(plan.SDP); err != nil {
		t.Fatalf("%v in\n%s", err, plan.SDP)
	}
	o, err := ParseOffer([]byte(plan.SDP))
	if err != nil {
		t.Fatalf("%v in\n%s", err, plan.SDP)
	}
	second, err := again(o)
	if err != nil {
		t.Fatalf("%v in\n%s", err, plan.SDP)
	}
	if second.SDP != plan.SDP {
		t.Fatalf("planned again:\n%s\nis\n%s", plan.SDP, second.SDP)
	}
	if _, err := plan.Finish(plan.SDP, DefaultAnswerOptions()); err == nil {
		t.Fatal("an offer is taken for an answer")
	}
}

// hostile is what could make a parser slow.
func hostile() map[string]string {
	head := "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
	transport := "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=setup:actpass\r\na=fingerprint:sha-256 " +
		strings.TrimSuffix(strings.Repeat("AB:", 32), ":") + "\r\n"
	media := "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendonly\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n"
	fill := func(format string) string {
		var b strings.Builder
		for i := 0; b.Len() < 56<<10; i++ {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	var mids strings.Builder
	for i := range MaxSections {
		fmt.Fprintf(&mids, "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:%d\r\n", i)
	}
	whole := head + transport + media
	return map[string]string{
		"candidates":  whole + fill("a=candidate:1 1 udp 1 192.0.2.1 %d typ host\r\n"),
		"ssrcs":       whole + fill("a=ssrc:%d cname:x\r\n"),
		"ssrc msids":  whole + fill("a=ssrc:1 msid:s t%d\r\n"),
		"ssrc groups": whole + fill("a=ssrc-group:FID %[1]d 1%[1]d\r\n"),
		"msids":       whole + fill("a=msid:%d x\r\n"),
		"rids":        whole + fill("a=rid:%d send\r\n"),
		"simulcast":   whole + "a=rid:a send\r\na=simulcast:send " + strings.Repeat("a,b;", 1000) + "\r\n",
		"extmaps":     whole + fill("a=extmap:%d urn:ietf:params:rtp-hdrext:sdes:mid\r\n"),
		"feedback":    whole + fill("a=rtcp-fb:96 nack %d\r\n"),
		"fmtp":        whole + "a=fmtp:96 " + strings.Repeat("x=1;", 1000) + "\r\n" + fill("a=fmtp:96 apt=%d\r\n"),
		"fingerprint": whole + fill("a=fingerprint:sha-1 %d\r\n"),
		"groups":      head + fill("a=group:BUNDLE %d\r\n") + transport + media,
		"tags":        head + "a=group:BUNDLE " + strings.Repeat("0 ", 2000) + "\r\n" + transport + media,
		"formats":     head + transport + strings.Replace(media, "SAVPF 96", "SAVPF "+strings.Repeat("96 97 ", 600), 1),
		"sections":    head + transport + mids.String() + fill("a=x:%d\r\n"),
		"options":     head + "a=ice-options:" + strings.Repeat("a ", 2000) + "\r\n" + transport + media,
		"attributes":  whole + fill("a=%d\r\n"),
	}
}

func TestHostileOffersAreCheap(t *testing.T) {
	for name, text := range hostile() {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			o := mustParse(t, text)
			plan, err := o.ForPublish(anyPublisher)
			checkPlan(t, plan, err, func(o *Offer) (*Plan, error) { return o.ForPublish(anyPublisher) })
			_, _ = o.ForPlay(waitingChannel())
			if plan != nil && len(plan.SDP) > 4096 {
				t.Errorf("the plan has %d bytes", len(plan.SDP))
			}
			if spent := time.Since(start); spent > 500*time.Millisecond {
				t.Errorf("took %v", spent)
			}
		})
	}
}

func BenchmarkPlayChrome(b *testing.B) {
	text := []byte(offers.Get("chrome-play"))
	policy := liveChannel()
	b.ReportAllocs()
	for b.Loop() {
		o, err := ParseOffer(text)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := o.ForPlay(policy); err != nil {
			b.Fatal(err)
		}
	}
}
