package merlon_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	bignum "math/big"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/sqlite"
)

// The site of http-framing.json: plain handlers mounted, and one page with an optional query field.

type getInput struct {
	Q string `query:"q,max=1000"`
}

type itemInput struct {
	ID string `path:"id,max=100"`
}

func framingGet(_ *merlon.Read[merlon.Visitor], in getInput) (*merlon.Response, error) {
	return merlon.Text("q=" + in.Q), nil
}

func framingItem(_ *merlon.Read[merlon.Visitor], in itemInput) (*merlon.Response, error) {
	return merlon.Text(in.ID), nil
}

func framingPost(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "POST")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	_, _ = w.Write(body)
}

func openFraming(env merlon.Env, origin string) (*merlon.Site, error) {
	env.Settings = merlon.Settings{Origin: origin, Hosts: []string{"site.test"}}
	return merlon.New(env, merlon.Config{Engine: sqlite.Engine("x.db"), Pages: noPages, Schema: noStatements, Routes: []merlon.Route{
		merlon.Get("/get", merlon.Public(), framingGet),
		merlon.Mount("/post", merlon.Public(), http.HandlerFunc(framingPost), merlon.InsecureNoToken("the vectors post without one")),
		merlon.Get("/item/{id}", merlon.Public(), framingItem),
		merlon.Get("/item/{id}/edit", merlon.Public(), framingItem),
	}})
}

// TestFramingVectors runs all cases of http-framing.json, byte for byte on a connection, over plain TCP and over TLS.
func TestFramingVectors(t *testing.T) {
	t.Parallel()
	t.Run("plain", func(t *testing.T) { t.Parallel(); framingVectors(t, false) })
	t.Run("tls", func(t *testing.T) { t.Parallel(); framingVectors(t, true) })
}

func framingVectors(t *testing.T, secure bool) {
	origin := map[bool]string{false: "http://site.test", true: "https://site.test"}[secure]
	site, err := openFraming(merlon.Env{Mode: merlon.Production, Data: t.TempDir()}, origin)
	if err != nil {
		t.Fatal(err)
	}
	if err := site.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	var client *tls.Config
	if secure {
		var config *tls.Config
		config, client = selfSigned(t, "site.test")
		go func() { done <- site.ServeTLS(ctx, l, config) }()
	} else {
		go func() { done <- site.Serve(ctx, l) }()
	}
	t.Cleanup(func() { stop(); <-done; _ = site.Close(context.Background()) })

	raw, err := os.ReadFile("testdata/vectors/http-framing.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []framingCase
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	// Most of the time is waiting for what does not come: many at once.
	told := make([]framingAnswer, len(cases))
	atOnce := make(chan struct{}, 50)
	var all sync.WaitGroup
	for i, c := range cases {
		all.Go(func() {
			atOnce <- struct{}{}
			defer func() { <-atOnce }()
			told[i] = c.send(l.Addr().String(), client)
		})
	}
	all.Wait()
	for i, c := range cases {
		t.Run(c.ID, func(t *testing.T) { c.compare(t, told[i]) })
	}
}

// selfSigned returns the TLS of a server that is called name, and of a client that knows it.
func selfSigned(t testing.TB, name string) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: bignum.NewInt(1), DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, NextProtos: []string{"h2", "http/1.1"}},
		&tls.Config{RootCAs: roots, ServerName: name, NextProtos: []string{"http/1.1"}}
}

type framingCase struct {
	ID, Title, Raw string
	Repeat         struct {
		Marker, Text string
		Append       string
		Times        int
	}
	Expect struct {
		HalfClose bool `json:"half_close"`
		Status    any
		NotStatus any `json:"not_status"`
		Close     *bool
		Answers   int
		Body      *string
		Seen      string
		NotSeen   any `json:"not_seen"`
		Header    any
		NoHeader  any `json:"no_header"`
		Nobody    bool
	}
}

// framingAnswer is what came back for what was sent.
type framingAnswer struct {
	res     *http.Response // the first one
	body    string         // its
	seen    string         // all bodies
	answers int
	closed  bool // by the server
	err     error
}

func (c framingCase) send(addr string, client *tls.Config) (a framingAnswer) {
	text := c.Raw
	if c.Repeat.Marker != "" {
		text = strings.ReplaceAll(text, c.Repeat.Marker, strings.Repeat(c.Repeat.Text, c.Repeat.Times))
	}
	text += strings.Repeat(c.Repeat.Append, c.Repeat.Times)
	sent := make([]byte, 0, len(text))
	for _, r := range text {
		sent = append(sent, byte(r))
	}
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return framingAnswer{err: err}
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if client != nil {
		conn = tls.Client(conn, client)
	}
	go func() {
		_, _ = conn.Write(sent)
		if c.Expect.HalfClose {
			_ = conn.(interface{ CloseWrite() error }).CloseWrite()
		}
	}()
	method, _, _ := strings.Cut(text, " ")
	br := bufio.NewReader(conn)
	if a.res, a.err = http.ReadResponse(br, &http.Request{Method: method}); a.err != nil {
		return a
	}
	body, _ := io.ReadAll(a.res.Body)
	a.answers, a.body, a.seen = 1, string(body), string(body)
	for {
		silence := time.Second // the connection is kept
		if c.Expect.Close != nil && *c.Expect.Close || a.answers < c.Expect.Answers {
			silence = 20 * time.Second // what is to come may come late
		}
		_ = conn.SetReadDeadline(time.Now().Add(silence))
		next, err := http.ReadResponse(br, nil)
		if err != nil {
			var late net.Error
			a.closed = !(errors.As(err, &late) && late.Timeout())
			return a
		}
		more, _ := io.ReadAll(next.Body)
		a.seen += string(more)
		a.answers++
	}
}

func (c framingCase) compare(t *testing.T, a framingAnswer) {
	if a.err != nil {
		t.Fatalf("%s: no answer: %v", c.Title, a.err)
	}
	res, body, seen, answers, closed := a.res, a.body, a.seen, a.answers, a.closed
	if want := fmt.Sprint(c.Expect.Status); c.Expect.Status != nil && !slices.Contains(strings.Split(want, " or "), strconv.Itoa(res.StatusCode)) {
		t.Errorf("%s: status %d, want %s\n%s", c.Title, res.StatusCode, want, body)
	}
	if c.Expect.NotStatus != nil && fmt.Sprint(c.Expect.NotStatus) == strconv.Itoa(res.StatusCode) {
		t.Errorf("%s: status %d, which it must not be", c.Title, res.StatusCode)
	}
	if c.Expect.Close != nil && *c.Expect.Close && !closed {
		t.Errorf("%s: the connection stays open", c.Title)
	}
	if c.Expect.Close != nil && !*c.Expect.Close && closed {
		t.Errorf("%s: the connection was closed", c.Title)
	}
	if c.Expect.Answers != 0 && answers != c.Expect.Answers {
		t.Errorf("%s: %d answers, want %d", c.Title, answers, c.Expect.Answers)
	}
	if c.Expect.Body != nil && body != *c.Expect.Body && strings.TrimPrefix(body, "q=") != *c.Expect.Body {
		t.Errorf("%s: body %q, want %q", c.Title, body, *c.Expect.Body)
	}
	for _, not := range texts(c.Expect.NotSeen) {
		if strings.Contains(seen, not) {
			t.Errorf("%s: the answer has %q", c.Title, not)
		}
	}
	if c.Expect.Nobody && len(body) > 0 {
		t.Errorf("%s: the answer has a body", c.Title)
	}
	for _, name := range texts(c.Expect.NoHeader) {
		if res.Header.Get(name) != "" {
			t.Errorf("%s: the answer has the header %s", c.Title, name)
		}
	}
	for _, name := range texts(c.Expect.Header) {
		if res.Header.Get(name) == "" {
			t.Errorf("%s: the answer lacks the header %s", c.Title, name)
		}
	}
}

func texts(v any) (all []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, one := range v {
			all = append(all, fmt.Sprint(one))
		}
	case map[string]any:
		for name := range v {
			all = append(all, name)
		}
	}
	return all
}
