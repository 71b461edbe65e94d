package integration

import (
	"fmt"
	"testing"
)

// TestWhoIsMutedIsSeen: two people on the call page. When one switches the microphone or the camera off, the other sees it, and again after a
// reload, which is another session; what an administrator muted is not undone by it.
func TestWhoIsMutedIsSeen(t *testing.T) {
	g := startGateway(t)
	anna, ben := openBare(t, g.address("call", "team")), openBare(t, g.address("call", "team"))
	anna.joins(t, "Anna")
	ben.joins(t, "Ben")
	tile := `[...document.querySelectorAll(".tile")].find((e) => e.querySelector(".tile-name").textContent === "Ben")`
	sees := func(what string, silent, picture bool) {
		t.Helper()
		eventually(t, patience, "Anna sees "+what, func() error {
			return anna.holds(fmt.Sprintf(`%[1]s && %[1]s.querySelector(".tile-muted").hasAttribute("hidden") !== %[2]v && %[1]s.dataset.picture === "%[3]v"`, tile, silent, picture))
		})
	}
	presses := func(id string) { ben.run(t, fmt.Sprintf(`document.getElementById(%q).click()`, id), nil) }
	sees("and hears Ben", false, true)
	presses("mic")
	sees("that Ben is muted", true, true)
	presses("mic")
	sees("that Ben is heard again", false, true)
	presses("cam")
	sees("no picture of Ben", false, false)
	presses("cam")
	sees("Ben again", false, true)

	anna.run(t, `headgate.call.mute([...headgate.call.roster.participants.values()].find((one) => one.name === "Ben").participant, "main", { audio: true, video: false })`, nil)
	sees("that Ben was muted", true, true)
	presses("mic")
	presses("mic")
	eventually(t, patience, "Ben says that he is on", func() error {
		return anna.holds(`(() => { const p = headgate.call.roster.publications.find((p) => headgate.call.roster.nameOf(p.participant) === "Ben"); return p.muted.audio && !p.self_muted.audio; })()`)
	})
	sees("that Ben stays muted", true, true)

	presses("mic")
	ben.run(t, `setTimeout(() => location.reload(), 0)`, nil)
	eventually(t, patience, "Ben reloads", func() error {
		return ben.holds(`document.getElementById("over")?.hidden && !window.headgate?.call && document.readyState === "complete"`)
	})
	ben.joins(t, "Ben")
	eventually(t, patience, "Ben says in his new session that he is muted", func() error {
		return anna.holds(`(() => { const p = headgate.call.roster.publications.find((p) => headgate.call.roster.nameOf(p.participant) === "Ben"); return p && !p.muted.audio && p.self_muted.audio; })()`)
	})
}
