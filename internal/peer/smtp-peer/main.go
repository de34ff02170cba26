// Command smtp-peer is the mail server that Merlon's tests send to: a real one, on loopback, with a certificate of its own
// making, that stores what it gets and misbehaves on demand.
//
// Its first line of output is its address; then one line for each connection ("connection") and each mail that it took
// ("mail NUMBER FROM TO"). Mail NUMBER is the file NUMBER.eml in -dir, byte for byte. It ends when its standard input does.
package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

var (
	listen   = flag.String("listen", "127.0.0.1:0", "loopback address and port")
	dir      = flag.String("dir", ".", "folder of the mails")
	ca       = flag.String("ca", "", "file to write the certificate's authority to")
	name     = flag.String("name", "localhost", "name on the certificate, beside 127.0.0.1")
	mode     = flag.String("mode", "starttls", "starttls, tls or plain (no STARTTLS is offered)")
	user     = flag.String("user", "", "user who must sign in; empty: nobody need")
	password = flag.String("password", "", "the user's password")
	login    = flag.Bool("login", false, "offer AUTH LOGIN only")
	refuse   = flag.String("refuse", "", "recipients that begin with this get the answer of -code")
	code     = flag.Int("code", 550, "the answer to recipients that are refused")
	later    = flag.Int("later", 0, "answer 451 to this many recipients, then accept")
	hang     = flag.String("hang", "", "mails to recipients that begin with this are stored, then never answered")
	slow     = flag.Duration("slow", 0, "wait this long before each mail is taken")
	drop     = flag.String("drop", "", "mails to recipients that begin with this are stored, then the connection is closed without an answer")
	quote    = flag.Bool("quote", false, "refuse mails and sign-ins with answers that repeat what was sent")
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("smtp-peer: ")
	flag.Parse()
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	pair, err := certificate(*ca, *name)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	if !l.Addr().(*net.TCPAddr).IP.IsLoopback() {
		return fmt.Errorf("%s is not on loopback", l.Addr())
	}
	p := &peer{later: *later}
	s := smtp.NewServer(p)
	s.Domain, s.AllowInsecureAuth = *name, *mode == "plain"
	s.ErrorLog = log.New(io.Discard, "", 0)
	config := &tls.Config{Certificates: []tls.Certificate{pair}}
	fmt.Println(l.Addr())
	l = counting{l}
	switch *mode {
	case "starttls":
		s.TLSConfig = config
	case "tls":
		l = tls.NewListener(l, config)
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	return s.Serve(l)
}

// certificate makes an authority, writes it to a file, and signs a certificate with it.
func certificate(file, name string) (tls.Certificate, error) {
	var none tls.Certificate
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return none, err
	}
	now := time.Now()
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "smtp-peer"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, &caKey.PublicKey, caKey)
	if err != nil {
		return none, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return none, err
	}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotBefore: root.NotBefore, NotAfter: root.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, root, &key.PublicKey, caKey)
	if err != nil {
		return none, err
	}
	if file != "" {
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rootDER}), 0o600); err != nil {
			return none, err
		}
	}
	return tls.Certificate{Certificate: [][]byte{leafDER}, PrivateKey: key}, nil
}

// peer is the server's state, over all connections.
type peer struct {
	mu    sync.Mutex
	later int
	mails int
}

// NewSession implements smtp.Backend.
func (p *peer) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &session{p: p, c: c}, nil
}

// counting prints a line for each connection. Two sessions are one connection, before and after STARTTLS.
type counting struct{ net.Listener }

func (c counting) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err == nil {
		fmt.Println("connection")
	}
	return conn, err
}

type session struct {
	p        *peer
	c        *smtp.Conn
	signedIn bool
	from, to string
}

func (s *session) AuthMechanisms() []string {
	switch {
	case *user == "":
		return nil
	case *login:
		return []string{"LOGIN"}
	}
	return []string{sasl.Plain, "LOGIN"}
}

func (s *session) Auth(mech string) (sasl.Server, error) {
	check := func(_, u, p string) error {
		if u == *user && p == *password {
			s.signedIn = true
			return nil
		}
		said := "user or password is wrong"
		if *quote {
			said = "no " + u + " with " + p
		}
		return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: said}
	}
	if mech == sasl.Plain {
		return sasl.NewPlainServer(check), nil
	}
	return &loginServer{check: check}, nil
}

// loginServer is AUTH LOGIN, which is in no RFC.
type loginServer struct {
	check func(identity, user, password string) error
	step  int
	user  string
}

func (l *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	l.step++
	switch l.step {
	case 1:
		return []byte("Username:"), false, nil
	case 2:
		l.user = string(response)
		return []byte("Password:"), false, nil
	}
	return nil, true, l.check("", l.user, string(response))
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if *user != "" && !s.signedIn {
		return &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "sign in first"}
	}
	s.from, s.to = from, ""
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	switch {
	case begins(to, *refuse):
		return &smtp.SMTPError{Code: *code, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "<" + to + ">: no such user"}
	case s.p.later > 0:
		s.p.later--
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "try again later"}
	case s.to != "":
		return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 5, 3}, Message: "one recipient a mail"}
	}
	s.to = to
	return nil
}

var link = regexp.MustCompile(`https?://\S+`)

func (s *session) Data(r io.Reader) error {
	content, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	time.Sleep(*slow)
	if *quote {
		whole := bytes.ReplaceAll(content, []byte("=\r\n"), nil)
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "\x1b[31mnot to " + s.to + " with " + string(link.Find(whole))}
	}
	if err := s.p.keep(content, s.from, s.to); err != nil {
		return err
	}
	switch {
	case begins(s.to, *hang):
		select {}
	case begins(s.to, *drop):
		return s.c.Conn().Close()
	}
	return nil
}

func (p *peer) keep(content []byte, from, to string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mails++
	if err := os.WriteFile(filepath.Join(*dir, fmt.Sprintf("%d.eml", p.mails)), content, 0o600); err != nil {
		return err
	}
	fmt.Printf("mail %d %s %s\n", p.mails, from, to)
	return nil
}

func (s *session) Reset()        { s.from, s.to = "", "" }
func (s *session) Logout() error { return nil }

func begins(address, prefix string) bool { return prefix != "" && strings.HasPrefix(address, prefix) }
