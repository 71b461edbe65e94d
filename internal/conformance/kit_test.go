package conformance

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/stun/v4"

	"github.com/headgate/headgate/internal/mediafile"
)

func TestClassify(t *testing.T) {
	hello := append([]byte{22, 254, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10}, 1)
	finished := append([]byte{22, 254, 253, 0, 1, 0, 0, 0, 0, 0, 0, 0, 10}, 1)
	for want, b := range map[class][]byte{
		classSTUN: {0, 1}, classAlert: {21, 254}, classClientHello: hello, classDTLS: finished, classMedia: {0x80, 96}, classOther: {64},
	} {
		if got := classify(b); got != want {
			t.Errorf("% x is of class %d, want %d", b, got, want)
		}
	}
	if classify(nil) != classOther {
		t.Error("nothing has a class")
	}
}

func TestTapLosesCountsAndMoves(t *testing.T) {
	loopback := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	tap, err := newTap(loopback)
	if err != nil {
		t.Fatal(err)
	}
	defer tap.Close()
	far, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	b := make([]byte, 100)
	send := func() net.Addr {
		t.Helper()
		if _, err := tap.WriteTo([]byte{0, 1}, far.LocalAddr()); err != nil {
			t.Fatal(err)
		}
		_ = far.SetReadDeadline(time.Now().Add(5 * time.Second))
		_, from, err := far.ReadFrom(b)
		if err != nil {
			t.Fatal(err)
		}
		return from
	}
	first := send()
	tap.losing(func(in bool, b []byte) bool { return classify(b) == classSTUN })
	_, _ = tap.WriteTo([]byte{0, 1}, far.LocalAddr())
	tap.losing(nil)
	read := make(chan int, 1)
	go func() { // ends with the datagram below
		n, _, _ := tap.ReadFrom(make([]byte, 100))
		read <- n
	}()
	if err := tap.move(loopback); err != nil {
		t.Fatal(err)
	}
	second := send()
	if first.String() == second.String() {
		t.Error("the tap did not move")
	}
	if tap.sent(classSTUN) != 2 {
		t.Errorf("%d sent, the lost one is none of them", tap.sent(classSTUN))
	}
	if _, err := far.WriteTo([]byte{0x80, 1, 2}, second); err != nil {
		t.Fatal(err)
	}
	if n := <-read; n != 3 || tap.received(classMedia) != 1 {
		t.Errorf("the reader of before the move got %d bytes", n)
	}
}

func TestChecksAreRecognised(t *testing.T) {
	c := credentials{localUfrag: "mine", localPwd: "p", remoteUfrag: "yours", remotePwd: "password"}
	m, err := c.check(true)
	if err != nil {
		t.Fatal(err)
	}
	if !m.Contains(stun.AttrUseCandidate) || stun.NewShortTermIntegrity("password").Check(m) != nil {
		t.Error("the check is no nomination with integrity")
	}
	if isCheckFor(m.Raw, "mine") || !isCheckFor(m.Raw, "yours") || !isCheckFor(m.Raw, "") || isCheckFor([]byte{1, 2, 3}, "") {
		t.Error("checks are told apart by the wrong name")
	}
	if isSuccess(m.Raw, m.TransactionID) {
		t.Error("a request is taken for an answer")
	}
}

func TestSplitFindsBytesThatBelongToNoAnswer(t *testing.T) {
	const good = "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	responses, err := split([]byte(good), "PATCH", "GET")
	if err != nil || len(responses) != 2 || string(responses[1].body) != "ok" {
		t.Fatalf("%v, %v", responses, err)
	}
	for _, bad := range []string{
		"HTTP/1.1 204 No Content\r\n\r\n{}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		good + "more",
		"HTTP/1.1 204 No Content\r\n\r\n",
	} {
		if _, err := split([]byte(bad), "PATCH", "GET"); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestRandomBits(t *testing.T) {
	for name, tc := range map[string]struct {
		urls []string
		good bool
	}{
		"UUIDs":   {[]string{"/s/0f3c9a52-7b1e-4d2c-9e8f-1a2b3c4d5e6f", "/s/d1b0e7c3-4a5f-4e6d-8c7b-f9e8d7c6b5a4"}, true},
		"base32":  {[]string{"/s/abcdefghijklmnopqrstuvwxyz", "/s/zyxwvutsrqpomnlkjihgfedcba"}, true},
		"numbers": {[]string{"/s/1001", "/s/1002"}, false},
		"same":    {[]string{"/s/a", "/s/a"}, false},
	} {
		if bits := randomBits(tc.urls); (bits >= 100) != tc.good {
			t.Errorf("%s: %.0f bits", name, bits)
		}
	}
}

func TestForgeriesNeedAJWT(t *testing.T) {
	if _, err := forgeries("a-fixed-token"); err == nil {
		t.Error("a fixed token has no signature to forge")
	}
	list, err := forgeries("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln")
	if err != nil || len(list) < 4 {
		t.Fatalf("%v, %v", list, err)
	}
	for what, token := range list {
		if token == "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln" {
			t.Errorf("%s is no forgery", what)
		}
	}
}

func TestStampHigh(t *testing.T) {
	unit := []byte{0, 0, 0, 1, 0x67, 0x42, 0xe0, 0x1f, 0, 0, 0, 1, 0x68, 1, 0, 0, 0, 1, 0x65, 2}
	got := stampHigh(unit)
	if got[5] != 0x64 || !strings.HasSuffix(string(got), "\x68\x01\x00\x00\x00\x01\x65\x02") {
		t.Errorf("% x", got)
	}
}

func TestStreamsAreJudged(t *testing.T) {
	now := time.Now()
	var s stream
	for i, seq := range []uint16{65534, 65535, 0, 3, 2} { // a wrap, a loss and reordering are no jump
		s.take(now.Add(time.Duration(i)*time.Second), seq, uint32(1000*i), 96, []byte{0x65, 0, 0, 0})
	}
	if s.jumps != 0 || s.backwards != 0 || s.keys != 5 || s.longest != time.Second {
		t.Errorf("%+v", s)
	}
	s.take(now, 30000, 0xf0000000, 96, nil)
	if s.jumps != 1 || s.backwards != 1 {
		t.Errorf("a new stream goes unnoticed: %+v", s)
	}
	for _, b := range [][]byte{{24, 0, 9, 0x67, 0}, {0x7c, 0x85, 0, 0}, {0x67, 0, 0, 0}} {
		if !startsKeyFrame(b) {
			t.Errorf("% x starts no key frame", b)
		}
	}
	for _, b := range [][]byte{{0x41, 0, 0, 0}, {0x7c, 0x05, 0, 0}, {0x7c, 0x81, 0, 0}, {}} {
		if startsKeyFrame(b) {
			t.Errorf("% x starts a key frame", b)
		}
	}
}

func TestHolesAreCounted(t *testing.T) {
	log := func(numbers ...uint16) (log []arrival) {
		for _, seq := range numbers {
			log = append(log, arrival{seq: seq})
		}
		return log
	}
	for _, tc := range []struct {
		log   []arrival
		first uint16
		holes int
	}{
		{log(7, 8, 9), 7, 0},
		{log(8, 9, 7, 9, 11), 7, 1}, // reordered, twice, lost
		{log(65535, 0, 3), 65535, 2},
	} {
		if got := inOrder(tc.log)[0].seq; got != tc.first || holes(tc.log) != tc.holes {
			t.Errorf("%v: begins at %d with %d holes", tc.log, got, holes(tc.log))
		}
	}
	if holes(nil) != 0 {
		t.Error("nothing has holes")
	}
}

func TestLosersLoseByCount(t *testing.T) {
	l := &loser{payloadType: 106}
	packet := func(pt byte, seq uint16) []byte {
		return append([]byte{0x80, pt, byte(seq >> 8), byte(seq)}, make([]byte, 20)...)
	}
	for seq := range uint16(1000) {
		lost := l.lose(false, packet(0x80|106, seq)) // the marker bit is none of the type
		if l.lose(false, packet(106, seq)) || l.lose(false, packet(107, seq)) || l.lose(true, packet(106, seq)) {
			t.Fatal("what comes again, of another type or from the other side is lost")
		}
		if want := seq < losses*lossEvery && seq%lossEvery == lossEvery-1; lost != want {
			t.Fatalf("%d lost: %v", seq, lost)
		}
	}
	if len(l.lost()) != losses || l.lose(false, nil) {
		t.Error("the count is wrong")
	}
}

func TestShapesOfNACKs(t *testing.T) {
	nack := func(rest int) []byte {
		return append([]byte{0x81, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 5, 0, 0}, make([]byte, rest)...)
	}
	for name, tc := range map[string]struct {
		b              []byte
		first, crowded int
	}{
		"AES-CM":       {nack(14), 1, 0},
		"GCM":          {nack(20), 1, 0},
		"with a PLI":   {nack(14 + 12), 1, 1},
		"transport":    {append([]byte{0x8f}, nack(14)[1:]...), 0, 0},
		"behind an RR": {append([]byte{0x80, 201, 0, 1, 0, 0, 0, 1}, nack(14)...), 0, 0},
		"short":        {[]byte{0x81, 205}, 0, 0},
	} {
		var shapes nackShapes
		shapes.look(true, tc.b)
		shapes.look(false, tc.b)
		if first, crowded := shapes.seen(); first != tc.first || crowded != tc.crowded {
			t.Errorf("%s: %d, %d", name, first, crowded)
		}
	}
}

func TestFilmsAreScarceOfKeyFrames(t *testing.T) {
	video, _, err := mediafile.Clip()
	if err != nil {
		t.Fatal(err)
	}
	f := &film{}
	f.rare.Store(true)
	const twice = 480
	for range twice {
		if _, err := f.frame(video, true); err != nil || f.keys.Load() != 0 {
			t.Fatalf("%d key frames, %v", f.keys.Load(), err)
		}
	}
	f.obey([]rtcp.Packet{&rtcp.PictureLossIndication{}})
	for range 2 {
		if _, err := f.frame(video, true); err != nil || f.keys.Load() != 1 || f.feedback.requested() != 1 {
			t.Fatalf("%d key frames for %d requests, %v", f.keys.Load(), f.feedback.requested(), err)
		}
	}
	deaf := &film{deaf: true}
	deaf.obey([]rtcp.Packet{&rtcp.FullIntraRequest{}})
	if deaf.wantKey.Load() || deaf.feedback.requested() != 1 {
		t.Error("a deaf publisher does what it is asked, or does not count it")
	}
}

func TestTargets(t *testing.T) {
	for name, tc := range map[string]struct {
		target Target
		good   bool
	}{
		"one endpoint":      {Target{WHIP: "http://127.0.0.1:8080/whip/live"}, true},
		"channels":          {Target{WHIP: "https://a.example/whip/{}", WHEP: "https://a.example/whep/{}"}, true},
		"no endpoint":       {Target{}, false},
		"no URL":            {Target{WHIP: "live.example.com/whip"}, false},
		"one with channels": {Target{WHIP: "http://a/whip/{}", WHEP: "http://a/whep/live"}, false},
	} {
		if err := tc.target.Validate(); (err == nil) != tc.good {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := (Target{WHIP: "http://[::1]:80/x"}).origin(); !strings.HasPrefix(got, "http://localhost") {
		t.Errorf("origin %s for a server on loopback", got)
	}
	if got := (Target{WHIP: "https://a.example/x"}).origin(); got != "https://conformance.example" {
		t.Errorf("origin %s", got)
	}
}

func TestExecuteRefusesUnknownCasesAndBadTargets(t *testing.T) {
	if _, err := Execute(t.Context(), Target{}, Options{}); err == nil {
		t.Error("a target without endpoint is taken")
	}
	if _, err := Execute(t.Context(), Target{WHIP: "http://127.0.0.1:1/x"}, Options{Only: []string{"T-999"}}); err == nil {
		t.Error("an unknown case is taken")
	}
}

func TestAServerThatIsNotThereFails(t *testing.T) {
	report, err := Execute(t.Context(), Target{WHIP: "http://127.0.0.1:1/whip/x"}, Options{Only: []string{"t-01", "T-20"}})
	if err != nil {
		t.Fatal(err)
	}
	if report.Results[0].Outcome != Fail || report.Broken() != 1 || report.Results[1].Outcome != Skip {
		t.Errorf("%+v", report)
	}
}

func TestOutcomes(t *testing.T) {
	for name, tc := range map[string]struct {
		check func(context.Context, *run) error
		want  Result
	}{
		"nothing wrong": {func(_ context.Context, r *run) error { r.notef("a"); r.notef("a"); r.notef("b"); return nil }, Result{Outcome: Pass, Level: Should, Note: "a; b"}},
		"skipped":       {func(context.Context, *run) error { return skipf("no %s", "token") }, Result{Outcome: Skip, Level: Should, Note: "no token"}},
		"an error":      {func(context.Context, *run) error { return errNever }, Result{Outcome: Fail, Level: Should, Note: errNever.Error()}},
		"graver":        {func(_ context.Context, r *run) error { r.failf("x"); r.lesserf(Must, "y"); return nil }, Result{Outcome: Fail, Level: Must, Note: "x; y"}},
		"lesser":        {func(_ context.Context, r *run) error { r.lesserf(Advice, "x"); return nil }, Result{Outcome: Fail, Level: Advice, Note: "x"}},
		"wrong, then skipped": {func(_ context.Context, r *run) error { r.failf("x"); return skipf("y") },
			Result{Outcome: Fail, Level: Should, Note: "x"}},
		"a panic": {func(context.Context, *run) error { panic("oops") },
			Result{Outcome: Fail, Level: Should, Note: "the kit itself failed on this answer: oops"}},
	} {
		c := Case{ID: "X", Level: Should, check: tc.check}
		undone := false
		r := &run{level: c.Level}
		r.later(func() { undone = true })
		got := c.execute(t.Context(), r)
		if got.Outcome != tc.want.Outcome || got.Level != tc.want.Level || got.Note != tc.want.Note || !undone {
			t.Errorf("%s: %+v, tidied up: %t", name, got, undone)
		}
	}
}

func TestHeadersThatHoldLists(t *testing.T) {
	h := http.Header{"Allow": {"GET, post", "PATCH"}}
	if !listed(h, "Allow", "POST") || !listed(h, "Allow", "PATCH") || listed(h, "Allow", "PAT") {
		t.Error("a list is read wrongly")
	}
	bearer, code := challenged(&response{header: http.Header{"Www-Authenticate": {`Basic realm="x"`, `bearer realm="y", error="invalid_token"`}}})
	if !bearer || code != "invalid_token" {
		t.Errorf("%t, %q", bearer, code)
	}
}
