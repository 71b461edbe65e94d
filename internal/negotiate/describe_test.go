package negotiate

import (
	"slices"
	"testing"

	"github.com/headgate/headgate/internal/testkit/offers"
)

func TestDescribe(t *testing.T) {
	o, err := ParseOffer([]byte(offers.Get("obs")))
	if err != nil {
		t.Fatal(err)
	}
	d := o.Describe()
	if !d.HasVideo || !d.HasAudio || !slices.Contains(d.Video, "H264") || !slices.Equal(d.Audio, []string{"opus"}) || len(d.RIDs) != 0 {
		t.Errorf("%+v", d)
	}
}
