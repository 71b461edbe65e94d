package httpserver

import "crypto/tls"

// certificates are a source of the certificates of handshakes. Safe for
// concurrent use.
type certificates interface {
	// get is tls.Config.GetCertificate.
	get(hello *tls.ClientHelloInfo) (*tls.Certificate, error)
}

// loadCertificates makes the source that the configuration names.
func (s *Server) loadCertificates() (certificates, error) {
	c := s.cfg.TLS
	switch {
	case len(c.ACME.Domains) > 0:
		return newACME(c.ACME, s.cfg.StateDir, s.cfg.HTTP != "", s.now, s.log)
	case c.SelfSigned:
		return loadSelfSigned(s.cfg.StateDir, s.cfg, s.now, s.log)
	}
	return loadCertificate(c, s.now, s.log)
}

// protocols are those of TLS by preference. They are spelled out because net/http
// would otherwise not serve h2 when a plain listener is served first.
func (s *Server) protocols() []string {
	list := []string{"h2", "http/1.1"}
	if _, ok := s.cert.(*acmeCertificates); ok {
		list = append(list, acmeProtocol)
	}
	return list
}

// Fingerprint is the SHA-256 fingerprint of a self-signed certificate, in
// hexadecimal with colons, for people to compare; empty with any other one.
func (s *Server) Fingerprint() string {
	if own, ok := s.cert.(*selfSigned); ok {
		return own.fingerprint()
	}
	return ""
}

// TLSConfig is for another listener with the certificate of HTTPS, of a protocol
// that is not HTTP; nil without HTTPS.
func (s *Server) TLSConfig() *tls.Config {
	if s.cert == nil {
		return nil
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: s.cert.get}
}
