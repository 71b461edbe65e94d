package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// example runs a script of examples/ as its reader would, with the installed clients first in PATH.
func example(t *testing.T, name, script string, env []string, args ...string) *program {
	t.Helper()
	cmd := exec.Command(filepath.Join(exampleDir(t), script), args...)
	return start(t, name, inExamples(t, cmd, env))
}

// exampleScript runs a script of examples/ by an interpreter. Python tells its threads' stacks when a library crashes.
func exampleScript(t *testing.T, name, interpreter, script string, args ...string) *program {
	t.Helper()
	cmd := exec.Command(interpreter, append([]string{script}, args...)...)
	return start(t, name, inExamples(t, cmd, []string{"PYTHONFAULTHANDLER=1"}))
}

// inExamples runs a command in examples/, which the installed programs can see.
func inExamples(t *testing.T, cmd *exec.Cmd, env []string) *exec.Cmd {
	t.Helper()
	cmd.Dir = exampleDir(t)
	path := filepath.Join(clientsDir(), "bin") + string(os.PathListSeparator) + os.Getenv("PATH")
	cmd.Env = append(append(os.Environ(), "PATH="+path), env...)
	return cmd
}

func exampleDir(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../examples")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// publishFFmpeg publishes by examples/ffmpeg/publish.sh at a place, "live" or "live/anna"; more environment variables are those the script explains.
// Like those below it returns when the gateway says that it is on air.
func publishFFmpeg(t *testing.T, g *gateway, place string, env ...string) *program {
	t.Helper()
	need(t, ffmpeg)
	p := example(t, "ffmpeg", "ffmpeg/publish.sh", append([]string{"SIZE=640x360", "LOGLEVEL=level+verbose"}, env...), g.whipAt(place))
	p.prints(t, patience, `Muxer state=10`)
	g.onAir(t, place)
	return p
}

// publishGStreamer publishes by examples/gstreamer/publish.py.
func publishGStreamer(t *testing.T, g *gateway, place string, args ...string) *program {
	t.Helper()
	needNetwork(t)
	p := exampleScript(t, "publish.py", need(t, gstPython), "gstreamer/publish.py", append([]string{g.whipAt(place)}, args...)...)
	p.prints(t, patience, `connection: connected`)
	g.onAir(t, place)
	return p
}

// publishSimple publishes by examples/simple-whip-client/publish.sh.
func publishSimple(t *testing.T, g *gateway, place string, args ...string) *program {
	t.Helper()
	needNetwork(t)
	need(t, simpleWHIPClient)
	p := example(t, "whip-client", "simple-whip-client/publish.sh", nil, append([]string{g.whipAt(place), "-o"}, args...)...)
	p.prints(t, patience, `PeerConnection connected`)
	g.onAir(t, place)
	return p
}

// publishPage publishes a browser's test camera by the embedded page, as a person would: choose a codec ("VP8", or "" for the page's own
// choice), press the button.
func publishPage(t *testing.T, c client, g *gateway, channel, codec string) *page {
	t.Helper()
	needNetwork(t)
	p := open(t, c, g.publishPage(channel))
	p.choose(t, codec)
	p.click(t, "#go")
	eventually(t, patience, p.name+" publishes", func() error { return p.sends(t, "video", 3) })
	g.onAir(t, channel)
	return p
}

// choose fills in the form of the publishing page. 360p, so that two cores carry several browsers.
func (p *page) choose(t *testing.T, codec string) {
	t.Helper()
	const fill = `(() => {
		const codec = %q, form = document.querySelector("#setup");
		if (form.hidden) throw new Error("the form is hidden");
		const select = form.querySelector("#codec");
		if (codec && ![...select.options].some((option) => option.value === codec)) throw new Error("no " + codec + " to choose");
		select.value = codec;
		form.querySelector("#size").value = "360";
		for (const input of form.querySelectorAll("select")) input.dispatchEvent(new Event("change", { bubbles: true }));
		return true;
	})()`
	eventually(t, patience, p.name+" shows its form", func() error { return p.try(fmt.Sprintf(fill, codec), nil) })
}

// click presses the element that a selector finds, as soon as a person could: when the page's script has run, and it is shown and enabled.
func (p *page) click(t *testing.T, selector string) {
	t.Helper()
	const press = `(() => {
		const element = document.querySelector(%q);
		if (document.readyState !== "complete" || document.documentElement.dataset.state === "loading") throw new Error("the page is still loading");
		if (!element?.checkVisibility() || element.matches(":disabled") || element.closest("[inert]")) throw new Error("nobody could press it: " + element?.outerHTML);
		element.click();
	})()`
	eventually(t, patience, p.name+" has "+selector, func() error { return p.try(fmt.Sprintf(press, selector), nil) })
}

// sends is an error until the page has sent that many pictures, or any sound.
func (p *page) sends(t *testing.T, kind string, frames int) error {
	t.Helper()
	r := p.report(t)
	for _, stream := range r.Sent {
		if stream.Kind == kind && stream.Frames >= frames && stream.Bytes > 0 {
			return nil
		}
	}
	return p.late("connection %s, sent %+v", r.State, r.Sent)
}

// watch opens the embedded watching page of a channel in a browser.
func watch(t *testing.T, c client, g *gateway, channel string) *page {
	t.Helper()
	needNetwork(t)
	return open(t, c, g.watchPage(channel))
}

// trickled waits until the page has brought its candidates by PATCH, and asserts that every PATCH was accepted (N-106).
func (p *page) trickled(t *testing.T) {
	t.Helper()
	eventually(t, patience, p.name+" has trickled", func() error {
		patches := 0
		for _, r := range p.report(t).Requests {
			if r.Method != "PATCH" {
				continue
			}
			if patches++; r.Status == 0 {
				return fmt.Errorf("a PATCH has no answer yet")
			}
			if r.Status != 204 {
				t.Fatalf("%s: PATCH was answered %d", p.name, r.Status)
			}
		}
		if patches == 0 {
			return fmt.Errorf("it sent no PATCH")
		}
		return nil
	})
}
