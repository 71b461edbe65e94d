package doctor

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// renewBefore is the age at which every renewal should have happened.
const renewBefore = 14 * 24 * time.Hour

const renew = "Renew it (certbot renew, or your issuer); the gateway reads changed files by itself."

// certificate looks at the files that HTTPS is served with.
func certificate(s Setup, now time.Time) []Finding {
	if s.HTTPS != "" && s.Cert == "" {
		return []Finding{ok("certificate-by-itself", "The gateway gets its certificate by itself (http.tls.acme or http.tls.self_signed); headgate doctor URL looks at the one that clients see.")}
	}
	if s.Cert == "" {
		return []Finding{withoutTLS(s)}
	}
	pair, err := tls.LoadX509KeyPair(s.Cert, s.Key)
	if err != nil {
		return []Finding{fault("certificate-unusable", "http.tls.cert wants the whole chain as PEM, http.tls.key its key, both readable by the gateway's user.", "The certificate cannot be used: %v.", err)}
	}
	chain := make([]*x509.Certificate, 0, len(pair.Certificate))
	for _, der := range pair.Certificate {
		if c, err := x509.ParseCertificate(der); err == nil {
			chain = append(chain, c)
		}
	}
	return judgeChain(chain, hostOf(s.PublicURL), now, nil)
}

func withoutTLS(s Setup) Finding {
	if s.LoopbackOnly || strings.HasPrefix(s.PublicURL, "https:") {
		return ok("certificate-not-needed", "This gateway serves no HTTPS itself, and need not.")
	}
	return note("certificate-none", "Configure http.https with a certificate, or put a proxy with HTTPS in front and set --public-url. OBS, ffmpeg and players work without.",
		"Clients come by plain HTTP: browsers will not give pages the camera, and tokens travel in the clear.")
}

// judgeChain judges a certificate with what came beside it, for a host (empty: any
// name will do); roots are the system's where nil.
func judgeChain(chain []*x509.Certificate, host string, now time.Time, roots *x509.CertPool) (findings []Finding) {
	leaf := chain[0]
	left := leaf.NotAfter.Sub(now)
	switch {
	case now.Before(leaf.NotBefore):
		findings = append(findings, fault("certificate-early", "Set the clock right, or wait.", "The certificate is valid from %s on only.", leaf.NotBefore.UTC().Format(time.DateTime)))
	case left <= 0:
		findings = append(findings, fault("certificate-expired", renew, "The certificate expired on %s.", leaf.NotAfter.UTC().Format(time.DateOnly)))
	case left < renewBefore:
		findings = append(findings, warning("certificate-expiring", renew, "The certificate expires in %s.", age(left)))
	}
	if host != "" && leaf.VerifyHostname(host) != nil {
		findings = append(findings, fault("certificate-name", "Get a certificate for that name, or use a name it has.", "The certificate is for %s and not for %s.", strings.Join(namesOf(leaf), ", "), host))
	}
	if f := trust(chain, now, roots); f != nil {
		findings = append(findings, *f)
	}
	if len(findings) == 0 {
		findings = append(findings, ok("certificate-good", "The certificate for %s is good for %s.", strings.Join(namesOf(leaf), ", "), age(left)))
	}
	return findings
}

// trust tells when clients without further arrangement cannot verify a chain.
func trust(chain []*x509.Certificate, now time.Time, roots *x509.CertPool) *Finding {
	leaf := chain[0]
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	if now.Before(leaf.NotBefore) || now.After(leaf.NotAfter) {
		now = leaf.NotBefore // told already
	}
	_, err := leaf.Verify(x509.VerifyOptions{Intermediates: between, Roots: roots, CurrentTime: now})
	if err == nil {
		return nil
	}
	var f Finding
	switch {
	case leaf.CheckSignatureFrom(leaf) == nil || string(leaf.RawIssuer) == string(leaf.RawSubject):
		f = warning("certificate-self-signed", "Right for tests. Clients have to be told to trust it; OBS and ffmpeg mostly cannot be.", "The certificate is signed by itself.")
	case len(chain) == 1:
		f = warning("certificate-alone", "Use the file with the whole chain (fullchain.pem): browsers may find the rest, OBS, ffmpeg and GStreamer do not.", "The certificate comes without those it was signed with: %v.", err)
	default:
		f = warning("certificate-untrusted", "Right with a company's own root, if every client has it.", "This machine does not trust the certificate's issuer: %v.", err)
	}
	return &f
}

func namesOf(c *x509.Certificate) []string {
	list := append([]string{}, c.DNSNames...)
	for _, ip := range c.IPAddresses {
		list = append(list, ip.String())
	}
	if len(list) == 0 {
		list = append(list, fmt.Sprintf("no name (subject %s)", c.Subject))
	}
	return list
}

func hostOf(origin string) string {
	u, err := url.Parse(origin)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
