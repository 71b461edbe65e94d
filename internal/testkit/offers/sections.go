package offers

import (
	"fmt"
	"slices"
	"strings"
)

// WithSections repeats the first audio and the first video section of an offer, as a
// browser does that adds transceivers: all in one bundle, each with its own mid.
func WithSections(offer string, audio, video int) string {
	parts := strings.Split(strings.TrimSuffix(offer, "\r\n"), "\r\nm=")
	lines := strings.Split(parts[0], "\r\n")
	mids := "a=group:BUNDLE"
	var sections strings.Builder
	add := func(media string, index int) {
		i := slices.IndexFunc(parts, func(p string) bool { return strings.HasPrefix(p, media) })
		if i < 0 {
			return
		}
		mid := fmt.Sprint(media[:1], index)
		mids += " " + mid
		for i, l := range strings.Split("m="+parts[i], "\r\n") {
			if strings.HasPrefix(l, "a=mid:") || strings.HasPrefix(l, "a=ssrc") {
				continue
			}
			sections.WriteString(l + "\r\n")
			if i == 0 {
				sections.WriteString("a=mid:" + mid + "\r\n")
			}
		}
	}
	for i := range max(audio, video) {
		if i < audio {
			add("audio", i)
		}
		if i < video {
			add("video", i)
		}
	}
	lines = slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, "a=group:") })
	return strings.Join(append(lines, mids), "\r\n") + "\r\n" + sections.String()
}
