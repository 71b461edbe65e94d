package httpserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const fakeCAName = "A certification authority of tests"

// fakeCA is as much of an ACME server (RFC 8555) as ordering needs. It proves
// names for real, by connecting, but believes every signature of a request.
type fakeCA struct {
	server *httptest.Server
	key    *ecdsa.PrivateKey
	cert   *x509.Certificate
	// refuse are the kinds of challenges that fail, and how. pending never ends one.
	refuse  map[string]acmeProblem
	pending bool

	mu         sync.Mutex
	ports      map[int]string // where the ports of every name lead
	thumbprint string
	orders     []*fakeOrder
	proofs     []string // kinds of challenges that worked
	polls      int
}

type fakeOrder struct {
	name, status, token, proving string
	problem                      *acmeProblem
	chain                        []byte
}

func newFakeCA(t *testing.T) *fakeCA {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: fakeCAName}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	ca := &fakeCA{key: key, refuse: map[string]acmeProblem{}, ports: map[int]string{}}
	if ca.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	ca.server = httptest.NewServer(http.HandlerFunc(ca.serve))
	t.Cleanup(ca.server.Close)
	return ca
}

func (ca *fakeCA) url() string { return ca.server.URL + "/directory" }

// lead lets a port of every name lead to address.
func (ca *fakeCA) lead(port int, address string) {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	ca.ports[port] = address
}

func (ca *fakeCA) done() []string {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	return slices.Clone(ca.proofs)
}

func (ca *fakeCA) polled() int {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	return ca.polls
}

func (ca *fakeCA) serve(w http.ResponseWriter, r *http.Request) {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	w.Header().Set("Replay-Nonce", rand.Text())
	kind, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	number, what, _ := strings.Cut(rest, "/")
	n, _ := strconv.Atoi(number)
	protected, payload := readJWS(r)
	switch kind {
	case "directory":
		reply(w, 200, map[string]string{"newNonce": ca.server.URL + "/nonce", "newAccount": ca.server.URL + "/account", "newOrder": ca.server.URL + "/new"})
	case "nonce":
	case "account":
		ca.thumbprint = thumbprint(protected)
		w.Header().Set("Location", ca.server.URL+"/account/1")
		reply(w, 201, map[string]string{"status": "valid"})
	case "new":
		var order struct{ Identifiers []struct{ Value string } }
		_ = json.Unmarshal(payload, &order)
		ca.orders = append(ca.orders, &fakeOrder{name: order.Identifiers[0].Value, status: "pending", token: rand.Text()})
		ca.order(w, len(ca.orders)-1, 201)
	case "order":
		ca.order(w, n, 200)
	case "authorization":
		ca.polls++
		ca.authorization(w, n)
	case "challenge":
		ca.prove(ca.orders[n], what)
		reply(w, 200, ca.challenge(n, what))
	case "finalize":
		// As Pebble does: still at work, and without the order's address.
		o := ca.orders[n]
		before := o.status
		ca.finalize(o, payload)
		after := o.status
		o.status = map[bool]string{true: "processing", false: before}[after == "valid"]
		ca.order(w, n, 200)
		o.status = after
	case "certificate":
		w.Header().Set("Content-Type", "application/pem-certificate-chain")
		_, _ = w.Write(ca.orders[n].chain)
	}
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// readJWS takes a request apart (RFC 7515 section 7.2.2).
func readJWS(r *http.Request) (protected, payload []byte) {
	var jws struct{ Protected, Payload string }
	_ = json.NewDecoder(r.Body).Decode(&jws)
	protected, _ = base64.RawURLEncoding.DecodeString(jws.Protected)
	payload, _ = base64.RawURLEncoding.DecodeString(jws.Payload)
	return protected, payload
}

// thumbprint is that of the key in a protected header (RFC 7638).
func thumbprint(protected []byte) string {
	var header struct {
		JWK struct{ Crv, Kty, X, Y string }
	}
	_ = json.Unmarshal(protected, &header)
	k := header.JWK
	sum := sha256.Sum256(fmt.Appendf(nil, `{"crv":%q,"kty":%q,"x":%q,"y":%q}`, k.Crv, k.Kty, k.X, k.Y))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func (ca *fakeCA) order(w http.ResponseWriter, n, status int) {
	o := ca.orders[n]
	at := func(what string) string { return fmt.Sprintf("%s/%s/%d", ca.server.URL, what, n) }
	if status == 201 {
		w.Header().Set("Location", at("order"))
	}
	reply(w, status, map[string]any{
		"status": o.status, "authorizations": []string{at("authorization")}, "finalize": at("finalize"), "certificate": at("certificate"),
		"identifiers": []any{map[string]string{"type": "dns", "value": o.name}},
	})
}

func (ca *fakeCA) authorization(w http.ResponseWriter, n int) {
	o := ca.orders[n]
	status := map[string]string{"pending": "pending", "invalid": "invalid"}[o.status]
	if status == "" {
		status = "valid"
	}
	reply(w, 200, map[string]any{
		"status": status, "identifier": map[string]string{"type": "dns", "value": o.name},
		"challenges": []any{ca.challenge(n, "tls-alpn-01"), ca.challenge(n, "http-01")},
	})
}

func (ca *fakeCA) challenge(n int, kind string) map[string]any {
	o := ca.orders[n]
	c := map[string]any{"type": kind, "url": fmt.Sprintf("%s/challenge/%d/%s", ca.server.URL, n, kind), "token": o.token, "status": "pending"}
	if o.proving == kind && o.problem != nil {
		c["status"], c["error"] = "invalid", o.problem
	}
	return c
}

// prove connects to the name as the authority does.
func (ca *fakeCA) prove(o *fakeOrder, kind string) {
	o.proving = kind
	if ca.pending {
		return
	}
	if p, refused := ca.refuse[kind]; refused {
		o.status, o.problem = "invalid", &p
		return
	}
	var err error
	if kind == "tls-alpn-01" {
		err = proveByTLS(ca.ports[443], o.name, o.token+"."+ca.thumbprint)
	} else {
		err = proveByHTTP(ca.ports[80], o.name, o.token, ca.thumbprint)
	}
	if err != nil {
		o.status, o.problem = "invalid", &acmeProblem{Type: "urn:ietf:params:acme:error:unauthorized", Detail: err.Error()}
		return
	}
	o.status = "ready"
	ca.proofs = append(ca.proofs, kind)
}

// proveByTLS is RFC 8737 section 3.
func proveByTLS(address, name, keyAuthorization string) error {
	d := tls.Dialer{NetDialer: &net.Dialer{Timeout: patience}, Config: &tls.Config{InsecureSkipVerify: true, ServerName: name, NextProtos: []string{"acme-tls/1"}}}
	conn, err := d.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	state := conn.(*tls.Conn).ConnectionState()
	sum := sha256.Sum256([]byte(keyAuthorization))
	want, _ := asn1.Marshal(sum[:])
	leaf := state.PeerCertificates[0]
	for _, e := range leaf.Extensions {
		if e.Id.Equal(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 31}) && string(e.Value) == string(want) && state.NegotiatedProtocol == "acme-tls/1" {
			return leaf.VerifyHostname(name)
		}
	}
	return errors.New("the certificate does not prove it")
}

// proveByHTTP is RFC 8555 section 8.3.
func proveByHTTP(address, name, token, thumbprint string) error {
	req, err := http.NewRequest(http.MethodGet, "http://"+address+challengePath+token, nil)
	if err != nil {
		return err
	}
	req.Host = name + ":8080" // as behind a mapped port
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	res, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if got, err := io.ReadAll(res.Body); err != nil || string(got) != token+"."+thumbprint {
		return fmt.Errorf("got %q, %w", got, err)
	}
	return nil
}

func (ca *fakeCA) finalize(o *fakeOrder, payload []byte) {
	var request struct{ CSR string }
	_ = json.Unmarshal(payload, &request)
	der, _ := base64.RawURLEncoding.DecodeString(request.CSR)
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil || o.status != "ready" {
		return
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: []string{o.name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(90 * 24 * time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	leaf, err := x509.CreateCertificate(rand.Reader, template, ca.cert, csr.PublicKey, ca.key)
	if err != nil {
		return
	}
	for _, b := range [][]byte{leaf, ca.cert.Raw} {
		o.chain = append(o.chain, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: b})...)
	}
	o.status = "valid"
}
