package peer

import (
	"testing"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/webrtc/v4"
)

// A gateway runs for years; the stack's own certificates last a month.
func TestCertificateOutlivesTheProcess(t *testing.T) {
	now := time.Now()
	c, err := newCertificate(now)
	if err != nil {
		t.Fatal(err)
	}
	if c.Expires().Before(now.AddDate(10, 0, 0)) {
		t.Errorf("expires %v", c.Expires())
	}
	prints, err := c.GetFingerprints()
	if err != nil || len(prints) == 0 || prints[0].Algorithm != "sha-256" { // N-066
		t.Errorf("%v, %v", prints, err)
	}
}

// N-067: what browsers prefer, and the only one FFmpeg knows.
func TestSRTPProfiles(t *testing.T) {
	h := newTestHost(t)
	for name, profile := range map[string]dtls.SRTPProtectionProfile{
		"AEAD_AES_128_GCM": dtls.SRTP_AEAD_AES_128_GCM, "AEAD_AES_256_GCM": dtls.SRTP_AEAD_AES_256_GCM,
		"AES128_CM_HMAC_SHA1_80": dtls.SRTP_AES128_CM_HMAC_SHA1_80,
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, func(s *webrtc.SettingEngine) { s.SetSRTPProtectionProfiles(profile) })
			p := publish(t, h, c)
			p.video.flow(t, h264Key)
			p.events.wait(t, FirstKeyFrame, 1)
		})
	}
}

func TestPortZeroPicksOneForAllSockets(t *testing.T) {
	h := newTestHost(t, func(c *Config) { c.Media = ":0" })
	port := h.Addr().Port()
	if port == 0 || addrPortOf(h.tcp.mux.LocalAddr()).Port() != port {
		t.Errorf("UDP %v, TCP %v", h.Addr(), h.tcp.mux.LocalAddr())
	}
	cfg := DefaultConfig()
	cfg.Media = h.Addr().String()
	if other, err := Listen(cfg); err == nil {
		_ = other.Close()
		t.Error("two hosts share a port")
	}
}
