package call

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/router"
)

// providing is a service whose clock stands still, and that keeps its channels in a
// file.
func providing(t interface{ Fatal(...any) }, file string, channels ...ChannelConfig) (*Service, *router.Router) {
	cfg := DefaultConfig()
	cfg.ChannelsFile, cfg.Channels = file, channels
	r := router.New(router.DefaultConfig())
	s := New(cfg, Parts{Router: r, Now: func() time.Time { return provideTime }})
	if err := s.Restore(); err != nil {
		t.Fatal(err)
	}
	return s, r
}

var provideTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestSettingsThatHaveNoMeaning(t *testing.T) {
	yes := true
	good := Settings{
		Kind: Call, Title: "Stand-up", Video: []string{"VP8", "H264"}, Audio: []string{"opus"}, Duplicates: "replace", Idle: "wait", Standby: &yes,
		MaxPublications: 12, MaxViewers: 100, MaxMembers: 20, MaxBitrate: 2_000_000, ViewerLinger: 60, Lifetime: "empty", Expires: provideTime.Add(time.Second),
	}
	for name, tc := range map[string]struct {
		change func(*Settings)
		fields []string
	}{
		"good":           {func(*Settings) {}, nil},
		"nothing at all": {func(s *Settings) { *s = Settings{} }, nil},
		"words": {func(s *Settings) { s.Kind, s.Duplicates, s.Idle, s.Lifetime = "meeting", "x", "x", "x" },
			[]string{"kind", "duplicates", "idle", "lifetime"}},
		"numbers": {func(s *Settings) {
			s.MaxPublications, s.MaxViewers, s.MaxMembers, s.MaxBitrate, s.ViewerLinger = -1, 1_000_001, -1, 1_000_000_001, 86401
		}, []string{"max_publications", "max_viewers", "max_members", "max_bitrate", "viewer_linger_seconds"}},
		"codecs":        {func(s *Settings) { s.Video, s.Audio = []string{"h264"}, []string{"opus", "opus"} }, []string{"video", "audio"}},
		"title":         {func(s *Settings) { s.Title = "a\nb" }, []string{"title"}},
		"long title":    {func(s *Settings) { s.Title = strings.Repeat("a", 129) }, []string{"title"}},
		"no hash":       {func(s *Settings) { s.PasswordHash = "secret" }, []string{"password_hash"}},
		"over already":  {func(s *Settings) { s.Expires = provideTime }, []string{"expires"}},
		"htpasswd hash": {func(s *Settings) { s.PasswordHash = strings.Replace(noPassword, "$2a$", "$2y$", 1) }, nil},
	} {
		s, _ := providing(t, "")
		wanted := good
		tc.change(&wanted)
		created, err := s.Provision("live", wanted)
		if tc.fields == nil {
			if err != nil || !created {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if _, ok := s.Provisioned("live"); ok || fault.Of(err).Kind != fault.Invalid || fault.Of(err).Code != "bad-settings" {
			t.Errorf("%s: %v", name, err)
		}
		for _, field := range tc.fields {
			if !strings.Contains(fault.Of(err).Public, field+" must") {
				t.Errorf("%s: %v does not name %s", name, err, field)
			}
		}
	}
}

// What was provisioned is there after a restart, whatever happened before it.
func TestProvisionedChannelsAreKept(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		file := filepath.Join(dir, "kept", rapid.StringMatching("[a-z]{12}").Draw(t, "file")+".json")
		s, _ := providing(t, file)
		model := map[string]Settings{}
		name := rapid.SampledFrom([]string{"a", "b", `say "hi"`, "Room 1"})
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				settings := Settings{
					Kind: rapid.SampledFrom([]Kind{"", Broadcast, Call}).Draw(t, "kind"), Title: rapid.SampledFrom([]string{"", "Ä"}).Draw(t, "title"),
					MaxViewers: rapid.IntRange(0, 9).Draw(t, "viewers"), PasswordHash: rapid.SampledFrom([]string{"", noPassword}).Draw(t, "hash"),
					Lifetime: rapid.SampledFrom([]string{"", "empty"}).Draw(t, "lifetime"),
				}
				if rapid.Bool().Draw(t, "ends") {
					settings.Expires = provideTime.Add(time.Hour)
				}
				n := name.Draw(t, "name")
				_, had := model[n]
				model[n] = settings
				if created, err := s.Provision(n, settings); err != nil || created == had {
					t.Fatalf("%v, %v", created, err)
				}
			},
			"delete": func(t *rapid.T) {
				n := name.Draw(t, "name")
				delete(model, n)
				if err := s.Unprovision(n); err != nil {
					t.Fatal(err)
				}
			},
			"restart": func(t *rapid.T) { s, _ = providing(t, file) },
			"": func(t *rapid.T) {
				if got := s.AllProvisioned(); !reflect.DeepEqual(got, model) {
					t.Fatalf("%+v, want %+v", got, model)
				}
			},
		})
	})
}

func TestTheFileIsForItsOwnerAndWhole(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state", "channels.json")
	s, _ := providing(t, file)
	if _, err := s.Provision("live", Settings{PasswordHash: noPassword}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if entries, err := os.ReadDir(filepath.Dir(file)); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	for name, text := range map[string]string{
		"cut": `{"version":1,"channels":{"live":{`, "newer": `{"version":2}`, "no settings": `{"version":1,"channels":{"live":{"kind":"x"}}}`,
		"no name": `{"version":1,"channels":{"a/b":{}}}`, "empty": "",
	} {
		file := filepath.Join(t.TempDir(), "channels.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readChannels(file); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatCannotBeKeptIsNotChanged(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "channels.json")
	s, _ := providing(t, file)
	if _, err := s.Provision("live", Settings{Kind: Call}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(file), os.Mkdir(file, 0o700), os.WriteFile(filepath.Join(file, "x"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Provision("live", Settings{}); fault.Of(err) == nil || fault.Of(err).Code != "state-unwritable" {
		t.Errorf("%v", err)
	}
	if err := s.Unprovision("live"); err == nil {
		t.Error("taken away")
	}
	if settings, ok := s.Provisioned("live"); !ok || settings.Kind != Call {
		t.Errorf("%+v", settings)
	}
}

func TestChannelsOfTheConfiguration(t *testing.T) {
	file := filepath.Join(t.TempDir(), "channels.json")
	before, _ := providing(t, file)
	for _, name := range []string{"ours", "theirs"} {
		if _, err := before.Provision(name, Settings{Title: "old"}); err != nil {
			t.Fatal(err)
		}
	}
	s, _ := providing(t, file, ChannelConfig{Name: "ours", Kind: "call", Standby: true})
	if settings, _ := s.Provisioned("ours"); settings.Kind != Call || settings.Title != "" || settings.Standby == nil || !*settings.Standby {
		t.Errorf("%+v", settings)
	}
	if _, err := s.Provision("ours", Settings{}); fault.Of(err).Code != "channel-configured" {
		t.Errorf("%v", err)
	}
	if err := s.Unprovision("ours"); err != nil {
		t.Error(err)
	}
	if got := len(s.AllProvisioned()); got != 2 {
		t.Errorf("%d channels", got)
	}
	if _, err := s.Provision("more", Settings{}); err != nil {
		t.Fatal(err)
	}
	if kept, err := readChannels(file); err != nil || len(kept) != 2 || kept["theirs"].Title != "old" {
		t.Errorf("kept %v, %v", kept, err)
	}
}

func TestFaultsOfConfiguredChannels(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Channels = []ChannelConfig{{Name: "a", Kind: "x", Idle: "x"}, {Name: "a"}, {Name: "a/b"}, {}}
	err := cfg.Validate()
	for _, want := range []string{"calls.channels[0].kind: must", "calls.channels[0].idle: must", `calls.channels[1].name: "a" is there twice`, "calls.channels[2].name: ", "calls.channels[3].name: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %s", err, want)
		}
	}
}

func TestLifetimesOfChannels(t *testing.T) {
	s, _ := providing(t, "")
	now := provideTime
	s.parts.Now = func() time.Time { return now }
	for name, settings := range map[string]Settings{
		"for ever": {}, "until one": {Expires: provideTime.Add(time.Hour)}, "left": {Lifetime: LifetimeEmpty}, "unused": {Lifetime: LifetimeEmpty},
	} {
		if _, err := s.Provision(name, settings); err != nil {
			t.Fatal(err)
		}
	}
	there := func(want ...string) {
		t.Helper()
		s.sweepProvisioned(now)
		got := s.AllProvisioned()
		for _, name := range want {
			if _, ok := got[name]; !ok {
				t.Errorf("%s is gone", name)
			}
		}
		if len(got) != len(want) {
			t.Errorf("there are %v", maps.Clone(got))
		}
	}
	there("for ever", "until one", "left", "unused")
	m, err := s.Join(JoinRequest{Channel: "left", Participant: "ann", Login: "l"})
	if err != nil {
		t.Fatal(err)
	}
	there("for ever", "until one", "left", "unused")
	if err := s.Leave(m.Secret); err != nil {
		t.Fatal(err)
	}
	there("for ever", "until one", "unused")
	now = provideTime.Add(time.Hour)
	there("for ever", "unused")
}

func TestCodecsOfChannels(t *testing.T) {
	s, _ := providing(t, "")
	for name, settings := range map[string]Settings{
		"broadcast": {}, "call": {Kind: Call}, "own": {Kind: Call, Video: []string{"AV1"}, Audio: []string{"PCMU"}},
	} {
		if _, err := s.Provision(name, settings); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string][2][]string{
		"nobody's": {}, "broadcast": {}, "call": {{"H264", "VP8"}, nil}, "own": {{"AV1"}, {"PCMU"}},
	} {
		if video, audio := s.Codecs(name); !reflect.DeepEqual([2][]string{video, audio}, want) {
			t.Errorf("%s: %v, %v", name, video, audio)
		}
	}
}

func TestPasswords(t *testing.T) {
	s, _ := providing(t, "")
	hash, err := s.HashPassword(t.Context(), "correct horse")
	if err != nil || strings.Contains(hash, "horse") {
		t.Fatal(hash, err)
	}
	for name, settings := range map[string]Settings{"with": {PasswordHash: hash}, "without": {}} {
		if _, err := s.Provision(name, settings); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		channel, password string
		good              bool
	}{{"with", "correct horse", true}, {"with", "wrong", false}, {"without", "", false}, {"without", "x", false}, {"nobody's", "correct horse", false}} {
		err := s.CheckPassword(t.Context(), tc.channel, tc.password)
		if tc.good != (err == nil) || !tc.good && fault.Of(err).Code != "wrong-password" {
			t.Errorf("%s, %s: %v", tc.channel, tc.password, err)
		}
	}
}

func TestPasswordsAreCheckedOneAtATime(t *testing.T) {
	s, _ := providing(t, "")
	done, err := s.passwords.turn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.CheckPassword(gone, "live", "x"); fault.Of(err).Code != "too-many-logins" {
		t.Errorf("%v", err)
	}
	done()
	if err := s.CheckPassword(t.Context(), "live", "x"); fault.Of(err).Code != "wrong-password" {
		t.Errorf("%v", err)
	}
}

func FuzzReadChannels(f *testing.F) {
	f.Add([]byte(`{"version":1,"channels":{"live":{"kind":"call","password_hash":"` + noPassword + `"}}}`))
	f.Add([]byte(`{"version":1,"channels":null}`))
	file := filepath.Join(f.TempDir(), "channels.json")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		channels, err := readChannels(file)
		if err != nil {
			return
		}
		for name, settings := range channels {
			if wrong := settings.faults(); len(wrong) > 0 {
				t.Fatalf("%q: %v", name, wrong)
			}
		}
	})
}
