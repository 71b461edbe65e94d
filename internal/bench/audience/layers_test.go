package audience

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/bench/stamp"
	"github.com/headgate/headgate/whep"
)

// layered is a viewer that looks at frames of layers; step is 3000.
func layered(t *testing.T, change func(*Config)) *rig {
	return newRig(t, func(c *Config) {
		c.SampleEvery = 1
		if change != nil {
			change(c)
		}
	})
}

// show lets a frame of a layer arrive at once, and a frame's time go by. The numbers in
// its packets are of mixed, if there is any.
func (r *rig) show(t *testing.T, layer int, key bool, mixed ...int) {
	t.Helper()
	r.frame++
	nal := byte(0x41)
	if key {
		nal = 0x65
	}
	for i, l := range append([]int{layer}, mixed...) {
		number := r.frame
		r.frame = stamp.OfLayer(l, number)
		b := r.packetAt(t, nal, i == len(mixed), 200, 3000*number)
		r.frame = number
		r.take(b)
	}
	r.now = r.now.Add(time.Second / 30)
}

func TestLayersAreToldByStamps(t *testing.T) {
	var seen []Observation
	r := layered(t, func(c *Config) { c.Observe = func(o Observation) { seen = append(seen, o) } })
	for i, layer := range []int{0, 0, 2, 2, 2, 1, 0} {
		r.show(t, layer, i == 0)
	}
	s := r.viewer.stats(r.now)
	if s.Switches != 3 || s.OnLayer[0] != 1 || s.OnLayer[2] != 0 || s.LayerFrames != [stamp.MaxLayers]uint64{3, 1, 3} || s.Mixed != 0 || s.StepsBack != 0 {
		t.Errorf("%+v", s)
	}
	if len(seen) != 7 || seen[2].Layer != 2 || !seen[2].Video || seen[2].Delay != 7*time.Millisecond || seen[2].Frame != 3 {
		t.Errorf("%+v", seen)
	}
}

func TestWitnessesSeeMixedFrames(t *testing.T) {
	for name, want := range map[string]uint64{"witness": 1, "sampled": 0} {
		r := layered(t, nil)
		r.viewer.witness = name == "witness"
		r.show(t, 0, true)
		r.show(t, 0, false, 0, 1, 1)
		r.show(t, 1, false, 1)
		if s := r.viewer.stats(r.now); s.Mixed != want {
			t.Errorf("%s: %d mixed, want %d", name, s.Mixed, want)
		}
	}
}

func TestTimestampsThatStepBackAreCounted(t *testing.T) {
	r := layered(t, nil)
	for i := range 5 {
		r.show(t, 0, i == 0)
	}
	r.frame -= 3
	r.show(t, 1, true)
	r.show(t, 1, false)
	if s := r.viewer.stats(r.now); s.StepsBack != 1 {
		t.Errorf("%d steps back", s.StepsBack)
	}
}

func TestPicturesThatASwitchLeavesOut(t *testing.T) {
	r := layered(t, nil)
	for i := range 60 {
		r.show(t, 0, i == 0)
	}
	r.now = r.now.Add(6 * time.Second / 30) // six frames of nothing
	for range 10 {
		r.show(t, 1, false)
	}
	s := r.viewer.stats(r.now)
	if s.FramesStood < 5 || s.FramesStood > 7 || s.Freezes != 1 || s.LongestFreeze < 220*time.Millisecond || s.LongestFreeze > 250*time.Millisecond || s.Frozen > s.LongestFreeze {
		t.Errorf("%+v", s)
	}
	for range 5 {
		r.show(t, 1, false)
	}
	r.now = r.now.Add(time.Second) // no switch
	r.show(t, 1, false)
	if again := r.viewer.stats(r.now); again.FramesStood != s.FramesStood || again.Freezes != 2 {
		t.Errorf("%+v", again)
	}
}

func TestASwitchTakesFromTheWishToItsFirstFrame(t *testing.T) {
	var asked []map[string]string
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		switch req.URL.Path {
		case "/whep":
			w.Header().Add("Link", `</layer/7>; rel="`+layerRel+`"`)
			w.Header().Set("Location", "/session/1")
			w.WriteHeader(http.StatusCreated)
		case "/layer/7":
			var document map[string]string
			b, _ := io.ReadAll(req.Body)
			if err := json.Unmarshal(b, &document); err != nil || req.Header.Get("Authorization") != "Bearer t" {
				t.Errorf("%q, %v", b, err)
			}
			asked = append(asked, document)
			w.WriteHeader(status)
		}
	}))
	defer server.Close()
	r := layered(t, nil)
	r.show(t, 0, true)
	if err := (&Viewer{session: &whep.Session{}}).Select(t.Context(), "h", 1); !errors.Is(err, ErrNoSelection) {
		t.Errorf("without a link: %v", err)
	}
	var err error
	if r.viewer.session, err = (whep.Client{}).Post(t.Context(), server.URL+"/whep", "t", "v=0"); err != nil {
		t.Fatal(err)
	}
	choose := func(rid string, layer int) error { return r.viewer.Select(t.Context(), rid, layer) }
	if err := choose("h", 1); err != nil {
		t.Fatal(err)
	}
	r.show(t, 0, false)
	r.show(t, 0, false)
	if err := choose("f", 2); err != nil { // the wish for h was not met
		t.Fatal(err)
	}
	r.show(t, 0, false)
	r.show(t, 2, true)
	r.show(t, 2, false)
	status = http.StatusNotFound
	if err := choose("x", 3); err == nil {
		t.Error("a refusal is none")
	}
	status = http.StatusOK
	if err := choose("", 0); err != nil {
		t.Error(err)
	}
	s := r.viewer.stats(r.now)
	if s.Wishes != 3 || s.WishesUnmet != 1 || s.SwitchDelay.Count() != 1 || s.SwitchDelay.Max().Round(time.Millisecond) != 33*time.Millisecond {
		t.Errorf("%d wishes, %d unmet, %v", s.Wishes, s.WishesUnmet, s.SwitchDelay)
	}
	if len(asked) != 4 || asked[0]["rid"] != "h" || asked[0]["mediaId"] != "1" || len(asked[3]) != 1 {
		t.Errorf("%v", asked)
	}
}
