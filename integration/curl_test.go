package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// An answer is what curl shows of an HTTP answer.
type answer struct {
	status  int
	headers string
	body    string
}

// header returns the value of a header, empty if there is none.
func (a answer) header(name string) string {
	match := regexp.MustCompile(`(?im)^` + name + `: *(.*?)\r?$`).FindStringSubmatch(a.headers)
	if match == nil {
		return ""
	}
	return match[1]
}

// ask runs curl and returns the last answer.
func ask(t *testing.T, args ...string) answer {
	t.Helper()
	output, err := exec.Command(need(t, curl), append([]string{"--silent", "--show-error", "--include", "--max-time", "10"}, args...)...).Output()
	if err != nil {
		t.Fatalf("curl %s: %v", strings.Join(args, " "), err)
	}
	text := string(output)
	for strings.HasPrefix(text, "HTTP/1.1 100") {
		_, text, _ = strings.Cut(text, "\r\n\r\n")
	}
	headers, body, _ := strings.Cut(text, "\r\n\r\n")
	fields := strings.Fields(headers)
	status, err := strconv.Atoi(fields[1])
	if err != nil {
		t.Fatalf("curl shows %q", headers)
	}
	return answer{status: status, headers: headers, body: body}
}

// TestCurlRefusals asks for what cannot be had: each refusal has its status, a problem document and, where the clause wants one, a header.
func TestCurlRefusals(t *testing.T) {
	g := startGateway(t)
	big := filepath.Join(t.TempDir(), "big.sdp")
	if err := os.WriteFile(big, []byte("v=0\r\n"+strings.Repeat("a=x\r\n", 200_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	const sdp, trickle = "Content-Type: application/sdp", "Content-Type: application/trickle-ice-sdpfrag"
	for _, row := range []struct {
		name   string
		args   []string
		status int
		header string
		value  string
	}{
		{"T-13 JSON", []string{"-H", "Content-Type: application/json", "-d", "{}", g.whip("live")}, 415, "Accept-Post", "application/sdp"},
		{"T-13 no type", []string{"-H", "Content-Type:", "-d", "v=0", g.whip("live")}, 415, "", ""},
		{"T-15 empty", []string{"-H", sdp, "-d", "", g.whip("live")}, 400, "", ""},
		{"T-15 garbage", []string{"-H", sdp, "-d", "hello", g.whip("live")}, 400, "", ""},
		{"T-15 a megabyte", []string{"-H", sdp, "--data-binary", "@" + big, g.whip("live")}, 413, "", ""},
		{"T-15 a megabyte in chunks", []string{"-H", sdp, "-H", "Transfer-Encoding: chunked", "--data-binary", "@" + big, g.whip("live")}, 413, "", ""},
		{"N-004 PUT", []string{"-X", "PUT", g.whip("live")}, 405, "Allow", ".*POST.*"},
		{"N-004 DELETE of an endpoint", []string{"-X", "DELETE", g.whep("live")}, 405, "Allow", ".*POST.*"},
		{"N-005 BREW", []string{"-X", "BREW", g.whip("live")}, 501, "", ""},
		{"W-20 nobody is live", []string{"-H", sdp, "--data-binary", "@" + playOffer(t), g.whep("idle")}, 409, "Retry-After", `\d+`},
		{"N-153 no such session", []string{"-X", "PATCH", "-H", trickle, "-H", "If-Match: *", "-d", "a=end-of-candidates\r\n", g.url + "/session/aaaaaaaaaaaaaaaaaaaaaaaaaa"}, 404, "", ""},
		{"a bad name", []string{"-H", sdp, "-d", "v=0", g.url + "/whip/%2e%2e"}, 400, "", ""},
		{"N-014 a way out", []string{"--path-as-is", "-H", sdp, "-d", "v=0", g.url + "/whip/../session/x"}, 0, "", ""},
		{"a foreign Host", []string{"-H", "Host: evil.example", g.url + "/"}, 421, "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			a := ask(t, row.args...)
			if row.status != 0 && a.status != row.status {
				t.Errorf("status %d, want %d: %s", a.status, row.status, a.body)
			}
			if a.status < 400 || a.status >= 500 && a.status != 501 {
				t.Errorf("status %d is no refusal", a.status)
			}
			if row.header != "" && !regexp.MustCompile(`^`+row.value+`$`).MatchString(a.header(row.header)) {
				t.Errorf("%s: %q, want %s", row.header, a.header(row.header), row.value)
			}
			if kind := a.header("Content-Type"); !strings.HasPrefix(kind, "application/problem+json") || !strings.Contains(a.body, `"status":`+strconv.Itoa(a.status)) {
				t.Errorf("no problem document: %s %s", kind, a.body)
			}
		})
	}
}

// TestCurlSession goes through a session by hand: what is in the 201 (T-16, N-033), conditions of PATCH (N-103, N-104), DELETE and what is left (N-153).
func TestCurlSession(t *testing.T) {
	g := startGateway(t)
	created := ask(t, "-H", "Content-Type: APPLICATION/SDP;charset=UTF-8", "-H", "Transfer-Encoding: chunked", "--data-binary", "@"+publishOffer(t), g.whip("live"))
	if created.status != 201 || !strings.HasPrefix(created.body, "v=0\r\n") || created.header("Content-Type") != "application/sdp" {
		t.Fatalf("POST: %s\n%s", created.headers, created.body)
	}
	session, tag := created.header("Location"), created.header("ETag")
	if !strings.HasPrefix(session, g.url+"/session/") || strings.Contains(session, "?") {
		t.Errorf("Location %q is not absolute on %s", session, g.url)
	}
	if !regexp.MustCompile(`^"[^"*]+"$`).MatchString(tag) {
		t.Errorf("ETag %q is not a strong one", tag)
	}
	// FFmpeg cannot read an answer that comes in chunks.
	if length := created.header("Content-Length"); length != strconv.Itoa(len(created.body)) {
		t.Errorf("Content-Length %q, want %d", length, len(created.body))
	}
	const trickle = "Content-Type: application/trickle-ice-sdpfrag"
	const done = "a=ice-ufrag:zjkk\r\na=ice-pwd:TP/M5xYvP4SgvGrYBVyEHKYW\r\na=end-of-candidates\r\n"
	for _, row := range []struct {
		name   string
		args   []string
		status int
	}{
		{"GET", nil, 204},
		{"PATCH without a condition", []string{"-X", "PATCH", "-H", trickle, "-d", done}, 428},
		{"PATCH of another generation", []string{"-X", "PATCH", "-H", trickle, "-H", `If-Match: "other"`, "-d", done}, 412},
		{"PATCH", []string{"-X", "PATCH", "-H", trickle, "-H", "If-Match: " + tag, "--data-binary", done}, 204},
		{"DELETE with a wrong condition", []string{"-X", "DELETE", "-H", `If-Match: "wrong"`}, 200},
		{"DELETE again", []string{"-X", "DELETE"}, 200},
		{"GET of what is gone", nil, 404},
	} {
		if a := ask(t, append(row.args, session)...); a.status != row.status {
			t.Errorf("%s: %d, want %d: %s", row.name, a.status, row.status, a.body)
		}
	}
}

// publishOffer and playOffer write the offer of examples/curl as a file, with the line ends of SDP.
func publishOffer(t *testing.T) string { return writeOffer(t, "a=sendonly") }
func playOffer(t *testing.T) string    { return writeOffer(t, "a=recvonly") }

func writeOffer(t *testing.T, direction string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(exampleDir(t), "curl", "offer.sdp"))
	if err != nil {
		t.Fatal(err)
	}
	offer := strings.NewReplacer("a=sendonly", direction, "\n", "\r\n").Replace(string(content))
	file := filepath.Join(t.TempDir(), "offer.sdp")
	if err := os.WriteFile(file, []byte(offer), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
