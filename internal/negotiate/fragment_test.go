package negotiate

import (
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/testkit/offers"
)

func TestWithCredentialsChangesNothingElse(t *testing.T) {
	for _, name := range publishers {
		plan := mustPublish(t, offers.Get(name))
		fresh := plan.WithCredentials("newUfrag", "newPasswordOf24Characters")
		if !hasLine(fresh, "a=ice-ufrag:newUfrag") || !hasLine(fresh, "a=ice-pwd:newPasswordOf24Characters") {
			t.Fatalf("%s:\n%s", name, fresh)
		}
		o := mustParse(t, offers.Get(name))
		if back := strings.NewReplacer("newUfrag", o.Ufrag, "newPasswordOf24Characters", o.Pwd).Replace(fresh); back != plan.SDP {
			t.Errorf("%s:\n%s", name, back)
		}
	}
}

func TestRestartOnTheStack(t *testing.T) {
	plan := mustPublish(t, offers.Get("chrome-publish"))
	pc := newStack(t).open(t)
	first := answer(t, pc, plan, plan.SDP)
	text, err := plan.Finish(first, DefaultAnswerOptions())
	if err != nil {
		t.Fatal(err)
	}
	second := answer(t, pc, plan, plan.WithCredentials("newUfrag", "newPasswordOf24Characters"))
	opt := DefaultAnswerOptions()
	opt.Lite = true
	f, err := plan.RestartFragment(second, opt)
	if err != nil {
		t.Fatal(err)
	}
	if hasLine(string(text), "a=ice-ufrag:"+f.Ufrag) || hasLine(string(text), "a=ice-pwd:"+f.Pwd) || !ValidCredentials(f.Ufrag, f.Pwd) {
		t.Errorf("N-132 credentials %q %q", f.Ufrag, f.Pwd)
	}
	if !f.Lite || !f.EndOfCandidates || f.Group != "BUNDLE 0 1" || !slices.Equal(f.Options, []string{"trickle", "ice2"}) {
		t.Errorf("N-133 %+v", f)
	}
	if len(f.Sections) != 1 || f.Sections[0].Mid != "0" || "m="+f.Sections[0].Media != linesWith(string(text), "m=")[0] {
		t.Errorf("8840 4.4 %+v", f.Sections)
	}
	want := strings.TrimPrefix(linesWith(string(text), "a=candidate:")[0], "a=candidate:")
	if !slices.Equal(f.Sections[0].Candidates, []string{want}) {
		t.Errorf("N-140 %q, before %q", f.Sections[0].Candidates, want)
	}
}

func TestRestartFragmentOfALoneSection(t *testing.T) {
	plan := mustPublish(t, without(t, without(t, offers.Get("obs-video-only"), "a=group"), "a=mid"))
	f, err := plan.RestartFragment(localDescription(1, "a=mid:1", "a=mid:0"), DefaultAnswerOptions())
	if err != nil {
		t.Fatal(err)
	}
	if f.Group != "" || f.Lite || f.Sections[0].Mid != "" {
		t.Errorf("%+v", f)
	}
	if _, err := plan.RestartFragment("v=1", DefaultAnswerOptions()); err == nil {
		t.Error("no SDP is no error")
	}
}
