package cert

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/merlon-web/merlon/internal/datafolder"
	"github.com/merlon-web/merlon/internal/whole"
)

// The files of the local authority. Browsers are told to trust the first; the second never leaves the folder.
const (
	AuthorityFile    = "local-ca.pem"
	authorityKeyFile = "local-ca.key"
)

const (
	authorityLife = 5 * 365 * 24 * time.Hour
	localLife     = 90 * 24 * time.Hour
)

// Local is the source of development: an authority of this machine's own, and a certificate made at each start.
//
// The authority is constrained (RFC 5280 4.2.1.10, critical) to localhost, the names below it and the addresses of
// loopback: whoever steals its key can pretend to be this machine to this machine, and nobody else.
type Local struct {
	Authority string // the file that browsers and curl are told to trust
	cert      *tls.Certificate
}

// OpenLocal makes the authority in a folder, once, and a certificate for NAME.localhost, localhost, 127.0.0.1 and ::1.
func OpenLocal(dir, name string, now time.Time) (*Local, error) {
	if err := datafolder.Make(dir); err != nil {
		return nil, fmt.Errorf("cert: local authority: %w", err)
	}
	ca, key, err := openAuthority(dir, now)
	if err != nil {
		return nil, fmt.Errorf("cert: local authority: %w", err)
	}
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	names := []string{"localhost"}
	if name != "" {
		names = append([]string{name + ".localhost"}, names...)
	}
	leaf := &x509.Certificate{SerialNumber: serial(), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(localLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca, leafKey.Public(), key)
	if err != nil {
		return nil, err
	}
	if leaf, err = x509.ParseCertificate(der); err != nil {
		return nil, err
	}
	return &Local{filepath.Join(dir, AuthorityFile), &tls.Certificate{Certificate: [][]byte{der, ca.Raw}, PrivateKey: leafKey, Leaf: leaf}}, nil
}

// Get implements [Source].
func (l *Local) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) { return l.cert, nil }

// Protocols implements [Source].
func (l *Local) Protocols() []string { return nil }

// Leaves implements [Source].
func (l *Local) Leaves(context.Context) []*x509.Certificate { return []*x509.Certificate{l.cert.Leaf} }

// openAuthority reads the authority, or makes one where there is none or its time is nearly over.
func openAuthority(dir string, now time.Time) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	certFile, keyFile := filepath.Join(dir, AuthorityFile), filepath.Join(dir, authorityKeyFile)
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return newAuthority(certFile, keyFile, now)
	case err != nil:
		return nil, nil, fmt.Errorf("%w: delete both files, a new one is made", err)
	}
	ca, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return nil, nil, err
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok || !ca.PermittedDNSDomainsCritical || len(ca.PermittedIPRanges) == 0 {
		return nil, nil, fmt.Errorf("%s is not one of Merlon's, or not constrained to this machine: delete it, a new one is made", certFile)
	}
	if now.Add(localLife).After(ca.NotAfter) {
		return newAuthority(certFile, keyFile, now)
	}
	return ca, key, nil
}

func newAuthority(certFile, keyFile string, now time.Time) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	host, _ := os.Hostname()
	ca := &x509.Certificate{SerialNumber: serial(), Subject: pkix.Name{CommonName: "Merlon development on " + host}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(authorityLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		PermittedDNSDomainsCritical: true, PermittedDNSDomains: []string{"localhost"}, // and the names below it
		PermittedIPRanges: []*net.IPNet{{IP: net.IPv4(127, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)}, {IP: net.IPv6loopback, Mask: net.CIDRMask(128, 128)}}}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key)
	if err != nil {
		return nil, nil, err
	}
	if ca, err = x509.ParseCertificate(der); err != nil {
		return nil, nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	if err := writePEM(keyFile, "PRIVATE KEY", secret, 0o600); err != nil {
		return nil, nil, err
	}
	return ca, key, writePEM(certFile, "CERTIFICATE", der, 0o644)
}

func writePEM(file, kind string, der []byte, mode fs.FileMode) error {
	return whole.Write(file, ".new-*", pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode)
}

func serial() *big.Int {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	b[0] &= 0x7f
	return new(big.Int).SetBytes(b)
}
