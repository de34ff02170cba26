package valkey_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/internal/e2e/valkeypeer"
	"github.com/merlon-web/merlon/outbound/valkey"
	"github.com/merlon-web/merlon/secret"
	"github.com/merlon-web/merlon/sqlite"
)

func TestReplies(t *testing.T) {
	c := valkeypeer.Start(t).Client(t)
	ctx := t.Context()
	is := func(what string, got any, err error, want any) {
		t.Helper()
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: got %v, %v; want %v", what, got, err, want)
		}
	}
	_, err := get.Do(ctx, c, note.Of("ann"))
	if !errors.Is(err, valkey.ErrNone) {
		t.Errorf("a key that is not there: %v", err)
	}
	_, err = put.Do(ctx, c, note.Of("ann"), valkey.Bytes([]byte("a\x00\xff\r\n")))
	is("set", 0, err, 0)
	got, err := get.Do(ctx, c, note.Of("ann"))
	is("get", []byte(got), err, []byte("a\x00\xff\r\n"))
	if _, err := putNew.Do(ctx, c, note.Of("ann"), valkey.Text("b")); !errors.Is(err, valkey.ErrNone) {
		t.Errorf("set of what is there: %v", err)
	}
	if _, err := getNum.Do(ctx, c, note.Of("ann")); err == nil || errors.Is(err, valkey.ErrNone) || strings.Contains(err.Error(), "\xff") {
		t.Errorf("a text as a number: %v", err)
	}
	n, err := rise.Do(ctx, c, counter.Of(), valkey.Int(41))
	is("incrby", n, err, 41)
	f, err := weigh.Do(ctx, c, note.Of("weight"), valkey.Float(1.5))
	is("incrbyfloat", f, err, 1.5)
	n, err = push.Do(ctx, c, item.Of("ann", "1"), valkey.Text("x"), valkey.Text(""), valkey.Int(-3))
	is("rpush", n, err, 3)
	l, err := all.Do(ctx, c, item.Of("ann", "1"))
	is("lrange", l, err, []string{"x", "", "-3"})
	l, err = getAll.Do(ctx, c, note.Of("ann"), note.Of("ann"))
	is("mget", len(l), err, 2)
	_, err = fields.Do(ctx, c, pair.Of("a", "b"), valkey.Text("k"), valkey.Text("v"), valkey.Text("k2"), valkey.Int(2))
	is("hset", 0, err, 0)
	m, err := record.Do(ctx, c, pair.Of("a", "b"))
	is("hgetall", m, err, map[string]string{"k": "v", "k2": "2"})
	for _, want := range []string{"none", "first"} { // EVAL, then EVALSHA
		got, err = swap.Do(ctx, c, []valkey.Name{note.Of("swap")}, valkey.Text("first"))
		is("script", got, err, want)
	}
	l, err = listing.Do(ctx, c, []valkey.Name{note.Of("swap")}, valkey.Text("v"))
	is("script with a list", l, err, []string{"merlon:shop:note:{swap}", "v", "7", ""})
	if _, err := nothing.Do(ctx, c, []valkey.Name{note.Of("gone")}); !errors.Is(err, valkey.ErrNone) {
		t.Errorf("a script without an answer: %v", err)
	}
	n, err = del.Do(ctx, c, note.Of("ann"), item.Of("ann", "1"))
	is("del", n, err, 2)
	n, err = drop.Do(ctx, c, []valkey.Name{note.Of("swap")})
	is("del in a script", n, err, 1)
	var said *valkey.Error
	if _, err := push.Do(ctx, c, item.Of("a", "b"), valkey.Text("x")); err != nil {
		t.Error(err)
	}
	if _, err := valkey.NewCommand[string]("GET {key}", item).Do(ctx, c, item.Of("a", "b")); !errors.As(err, &said) || said.Code != "WRONGTYPE" {
		t.Errorf("a list as a text: %v", err)
	}
}

// hostile are texts that would be more than a value somewhere: between the commands of the protocol, in a script, in a key.
var hostile = []string{
	"\r\nFLUSHALL\r\n", "x\r\n*1\r\n$8\r\nFLUSHALL\r\n", "$5\r\nhello\r\n*1\r\n$8\r\nFLUSHALL\r\n", "*3\r\n$3\r\nSET\r\n$6\r\ncanary\r\n$1\r\nx\r\n", "\n", "\r", "\x00", "\x00FLUSHALL",
	"FLUSHALL", "flushall async", "EVAL \"return redis.call('FLUSHALL')\" 0", "'); redis.call('FLUSHALL'); ('", "\"..redis.call('FLUSHALL')..\"", "]] redis.call('FLUSHALL') --[[", "${jndi:ldap://x}",
	"return redis.call('FLUSHALL')", "function() end", "KEYS[1]", "ARGV[1]", "redis.call", "os.execute('id')", "#!lua name=x", "EX 1", "NX", "KEEPTTL", "GET", "EX", "PX", "XX", "-1", "0", "1e309", "nan", "inf",
	"*", "?", "[a-z]*", "[^a]", "\\*", "{}", "{", "}", "}{", "{canary}", "canary}", "x}:item:{1", "x}{y", "merlon:shop:note:{canary}", "canary:", ":canary", "../canary", "..", "canary\x00", "canary\r\n",
	"%7Bcanary%7D", "%63anary", "canary%20", " canary", "canary ", "CANARY", "cаnary", "\xff\xfe", "\xc0\xae", "é", "e\u0301", "😀", "\u2028", "\ufeffcanary", "<script>", "' OR 1=1 --", ")(uid=*", "=cmd|' /C calc'!A0",
	"+OK\r\n", "-ERR\r\n", ":1\r\n", "$-1\r\n", "*-1\r\n", "_\r\n", "%1\r\n", "~1\r\n", ">1\r\n", "!3\r\nERR\r\n", "=15\r\ntxt:x\r\n", "(12345\r\n", "#t\r\n", ",1.5\r\n", "|1\r\n", "\x1b[2J", "$(id)", "`id`", "; shutdown",
	"GETDEL", "0x10", "00", "+inf", "\"\"", "''", "\t", "\x7f", "\\x00", "%%", "a b", "--", "-h 192.0.2.1", "@all", "~*", "&*",
	strings.Repeat("A", 1024), strings.Repeat("\r\n", 400), strings.Repeat("{", 1000), strings.Repeat("%", 300),
}

// A hundred texts as values, as parts of keys and as arguments of a script: each is kept as it is and changes nothing else.
func TestInjection(t *testing.T) {
	if len(hostile) < 100 {
		t.Fatalf("the corpus has %d texts", len(hostile))
	}
	server := valkeypeer.Start(t)
	c := server.Client(t)
	ctx := t.Context()
	if _, err := put.Do(ctx, c, note.Of("canary"), valkey.Text("alive")); err != nil {
		t.Fatal(err)
	}
	kept := map[string]bool{}
	for i, s := range hostile {
		mine := fmt.Sprintf("value %d", i)
		if _, err := put.Do(ctx, c, note.Of("plain"), valkey.Text(s)); err != nil {
			t.Errorf("%q as a value: %v", s, err)
		}
		if got, err := get.Do(ctx, c, note.Of("plain")); err != nil || got != s {
			t.Errorf("%q as a value became %q, %v", s, got, err)
		}
		if _, err := put.Do(ctx, c, note.Of(s), valkey.Text(mine)); err != nil {
			t.Errorf("%q in a key: %v", s, err)
		}
		if was, err := swap.Do(ctx, c, []valkey.Name{note.Of(s)}, valkey.Text(s)); err != nil || was != mine {
			t.Errorf("%q in a script: %q, %v", s, was, err)
		}
		if _, err := push.Do(ctx, c, item.Of(s, s), valkey.Text(s), valkey.Text(s)); err != nil {
			t.Errorf("%q in a list: %v", s, err)
		}
		kept[s] = true
	}
	for s := range kept {
		if got, err := get.Do(ctx, c, note.Of(s)); err != nil || got != s {
			t.Errorf("the value of the key of %q is %q, %v", s, got, err)
		}
		if got, err := all.Do(ctx, c, item.Of(s, s)); err != nil || !slices.Equal(got, []string{s, s}) {
			t.Errorf("the list of %q is %q, %v", s, got, err)
		}
	}
	if got, err := get.Do(ctx, c, note.Of("canary")); err != nil || got != "alive" {
		t.Errorf("the canary is %q, %v", got, err)
	}
	if n, want := size(t, server), 2*len(kept)+2; n != want {
		t.Errorf("the server has %d keys, want %d", n, want)
	}
}

// size asks the server how many keys it has, past the room.
func size(t *testing.T, s *valkeypeer.Server) (n int) {
	t.Helper()
	if _, err := fmt.Sscanf(s.Say("DBSIZE"), ":%d\r\n", &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPrefixesApart(t *testing.T) {
	server := valkeypeer.Start(t)
	one := server.Client(t)
	two, err := valkey.New(valkey.Config{Address: "unix://" + server.Socket(), Prefix: "other"})
	if err != nil {
		t.Fatal(err)
	}
	defer two.Close()
	if _, err := put.Do(t.Context(), one, note.Of("ann"), valkey.Text("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := get.Do(t.Context(), two, note.Of("ann")); !errors.Is(err, valkey.ErrNone) {
		t.Errorf("a client of another prefix finds it: %v", err)
	}
}

func TestAwayAndBack(t *testing.T) {
	server := valkeypeer.Start(t)
	c := server.Client(t)
	if _, err := put.Do(t.Context(), c, note.Of("ann"), valkey.Text("x")); err != nil {
		t.Fatal(err)
	}
	server.Stop()
	began := time.Now()
	if _, err := get.Do(t.Context(), c, note.Of("ann")); !errors.Is(err, valkey.ErrCannot) {
		t.Errorf("the server is away: %v", err)
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it took %v to say so", took)
	}
	server.Again()
	if got, err := get.Do(t.Context(), c, note.Of("ann")); err != nil || got != "x" {
		t.Errorf("the server is back: %q, %v", got, err)
	}
}

// TestAnotherTakesOver: a server that has become another one's copy takes no writes. That passes, and is told as its silence is.
func TestAnotherTakesOver(t *testing.T) {
	s := valkeypeer.Start(t)
	c := s.Client(t)
	s.Say("REPLICAOF 127.0.0.1 1")
	if _, err := put.Do(t.Context(), c, note.Of("ann"), valkey.Text("x")); !errors.Is(err, valkey.ErrCannot) || !strings.Contains(err.Error(), "READONLY") {
		t.Errorf("a write to a copy: %v", err)
	}
}

// TestSilence has a server that takes connections and says nothing.
func TestSilence(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := valkey.New(valkey.Config{Address: "valkey://" + l.Addr().String(), Timeout: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	began := time.Now()
	if _, err := put.Do(t.Context(), c, note.Of("ann"), valkey.Text("x")); !errors.Is(err, valkey.ErrCannot) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it took %v", took)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := put.Do(gone, c, note.Of("ann"), valkey.Text("x")); !errors.Is(err, valkey.ErrCannot) || !errors.Is(err, context.Canceled) {
		t.Errorf("who left: %v", err)
	}
}

// TestRefuses: a server without memory refuses what writes; that passes once it has some, and is no fault of what was asked.
func TestRefuses(t *testing.T) {
	s := valkeypeer.Start(t)
	c := s.Client(t)
	if _, err := put.Do(t.Context(), c, note.Of("ann"), valkey.Text("x")); err != nil {
		t.Fatal(err)
	}
	s.Say("CONFIG SET maxmemory 1")
	_, err := put.Do(t.Context(), c, note.Of("ann"), valkey.Text("x"))
	_, scripted := swap.Do(t.Context(), c, []valkey.Name{note.Of("ann")}, valkey.Text("x"))
	for _, err := range []error{err, scripted} {
		if !errors.Is(err, db.ErrBusy) || !strings.Contains(err.Error(), "OOM") || !strings.Contains(err.Error(), "maxmemory") {
			t.Errorf("a write to a full server: %v", err)
		}
	}
	s.Say("CONFIG SET maxmemory 0")
	if _, err := put.Do(t.Context(), c, note.Of("ann"), valkey.Text("x")); err != nil {
		t.Error(err)
	}
	if _, err := rise.Do(t.Context(), c, counter.Of(), valkey.Text("x")); err == nil || errors.Is(err, db.ErrBusy) {
		t.Errorf("a command that is wrong: %v", err)
	}
}

func TestPasswordAndTLS(t *testing.T) {
	cert, key, roots := certificate(t)
	server, port := valkeypeer.Start(t, "--requirepass", "canary-password"), need.Port(t)
	users := write(t, t.TempDir(), "users.acl", []byte("user shop on >canary-password ~shop:* +@all\nuser default off\n"))
	secure := valkeypeer.Start(t, "--aclfile", users, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert, "--tls-auth-clients", "no", "--tls-port", fmt.Sprint(port))
	for name, one := range map[string]struct {
		config valkey.Config
		code   string
	}{
		"password":         {valkey.Config{Address: server.Address, Password: secret.New("canary-password")}, ""},
		"wrong password":   {valkey.Config{Address: server.Address, Password: secret.New("canary-other")}, "WRONGPASS"},
		"no password":      {valkey.Config{Address: server.Address}, "NOAUTH"},
		"database":         {valkey.Config{Address: server.Address + "/3", Password: secret.New("canary-password")}, ""},
		"user over TLS":    {valkey.Config{Address: fmt.Sprintf("valkeys://shop@127.0.0.1:%d", port), Password: secret.New("canary-password"), Roots: roots, Prefix: "shop"}, ""},
		"not its keys":     {valkey.Config{Address: fmt.Sprintf("rediss://shop@127.0.0.1:%d", port), Password: secret.New("canary-password"), Roots: roots, Prefix: "other"}, "NOPERM"},
		"unknown signer":   {valkey.Config{Address: fmt.Sprintf("valkeys://shop@127.0.0.1:%d", port), Password: secret.New("canary-password")}, "away"},
		"TLS to plain":     {valkey.Config{Address: fmt.Sprintf("valkeys://127.0.0.1:%d", server.Port), Password: secret.New("canary-password"), Roots: roots}, "away"},
		"plain to TLS":     {valkey.Config{Address: fmt.Sprintf("valkey://127.0.0.1:%d", port), Password: secret.New("canary-password")}, "away"},
		"another's socket": {valkey.Config{Address: "unix://" + secure.Socket()}, "NOAUTH"},
	} {
		c, err := valkey.New(one.config)
		if err != nil {
			t.Fatal(name, err)
		}
		_, err = put.Do(t.Context(), c, note.Of("canary-value"), valkey.Text("canary-value"))
		c.Close()
		var said *valkey.Error
		switch {
		case one.code == "" && err != nil,
			one.code == "away" && !errors.Is(err, valkey.ErrCannot),
			one.code != "" && one.code != "away" && (!errors.As(err, &said) || said.Code != one.code || !errors.Is(err, db.ErrBusy)):
			t.Errorf("%s: %v, want %q", name, err, one.code)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: a secret in %v", name, err)
		}
	}
}

func TestFaults(t *testing.T) {
	password := secret.New("canary")
	for name, one := range map[string]struct {
		c    valkey.Config
		rule check.Rule
	}{
		"nothing":                 {valkey.Config{}, valkey.RuleServer},
		"no scheme":               {valkey.Config{Address: "cache.example.org:6379"}, valkey.RuleServer},
		"another scheme":          {valkey.Config{Address: "http://127.0.0.1"}, valkey.RuleServer},
		"a password inside":       {valkey.Config{Address: "valkeys://shop:canary@cache.example.org"}, valkey.RuleServer},
		"a query":                 {valkey.Config{Address: "valkeys://cache.example.org?canary"}, valkey.RuleServer},
		"a database that is none": {valkey.Config{Address: "valkeys://cache.example.org/canary", Password: password}, valkey.RuleServer},
		"a port that is none":     {valkey.Config{Address: "valkeys://cache.example.org:0", Password: password}, valkey.RuleServer},
		"a socket of no path":     {valkey.Config{Address: "unix://run/x"}, valkey.RuleServer},
		"a prefix with a brace":   {valkey.Config{Address: "valkey://127.0.0.1", Prefix: "a{b}"}, valkey.RuleServer},
		"a cluster's database":    {valkey.Config{Address: "valkey://127.0.0.1/1", Cluster: true}, valkey.RuleServer},
		"plain":                   {valkey.Config{Address: "valkey://cache.example.org", Password: password}, valkey.RulePlain},
		"plain by address":        {valkey.Config{Address: "redis://192.0.2.1", Password: password}, valkey.RulePlain},
		"no reason":               {valkey.Config{Address: "valkey://cache.example.org", InsecurePlain: " "}, valkey.RulePlain},
		"no password":             {valkey.Config{Address: "valkeys://cache.example.org"}, valkey.RulePassword},
	} {
		_, err := valkey.New(one.c)
		if err == nil || !strings.Contains(err.Error(), one.rule.ID) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v, want %s", name, err, one.rule.ID)
		}
	}
	for _, c := range []valkey.Config{{Address: "valkey://localhost"}, {Address: "valkey://[::1]:7000/2"}, {Address: "unix:///run/x"}, {Address: "valkeys://shop@cache.example.org", Password: password},
		{Address: "valkey://cache", InsecurePlain: "a network between containers"}} {
		k, err := valkey.New(c)
		if err != nil {
			t.Errorf("%s: %v", c.Address, err)
			continue
		}
		if said := fmt.Sprintf("%v %+v %#v", k, k, k); strings.Contains(said, "canary") {
			t.Errorf("a client is printed: %s", said)
		}
	}
	if !slices.ContainsFunc(check.Openings(), func(o check.Opening) bool { return strings.Contains(o.What, "a network between containers") }) {
		t.Error("the opening is not noted")
	}
	for _, r := range valkey.Rules() {
		if err := r.Valid(); err != nil {
			t.Error(err)
		}
	}
}

func TestChecks(t *testing.T) {
	found := func(c *valkey.Client) map[string]bool {
		ids := map[string]bool{}
		for _, one := range c.Checks() {
			for _, f := range one.Run(t.Context()) {
				if f.ID != one.Rule.ID || !one.Live {
					t.Errorf("the check of %s finds %v", one.Rule.ID, f)
				}
				ids[f.ID] = true
			}
		}
		return ids
	}
	sound := valkeypeer.Start(t)
	if ids := found(sound.Client(t)); len(ids) != 0 {
		t.Errorf("a sound server: %v", ids)
	}
	both := map[string]bool{valkey.RuleEviction.ID: true, valkey.RulePersistence.ID: true}
	if ids := found(valkeypeer.Start(t, "--maxmemory-policy", "allkeys-lru", "--appendonly", "no").Client(t)); !maps.Equal(ids, both) {
		t.Errorf("a server that forgets: %v", ids)
	}
	mute := valkeypeer.Start(t)
	mute.Say("ACL SETUSER default -info")
	if ids := found(mute.Client(t)); !maps.Equal(ids, both) {
		t.Errorf("a server that does not tell: %v", ids)
	}
	client := func(address, password string, timeout time.Duration) *valkey.Client {
		c, err := valkey.New(valkey.Config{Address: address, Password: secret.New(password), Timeout: timeout})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	locked := valkeypeer.Start(t, "--requirepass", "hidden")
	refuses := map[string]bool{valkey.RuleRefuses.ID: true}
	for what, c := range map[string]*valkey.Client{"wrong password": client(locked.Address, "other", time.Minute), "no password": client(locked.Address, "", time.Minute),
		"no such database": client(locked.Address+"/99", "hidden", time.Minute)} {
		if ids := found(c); !maps.Equal(ids, refuses) {
			t.Errorf("%s: %v", what, ids)
		}
	}
	silent, gone := map[string]bool{valkey.RuleSilent.ID: true}, sound.Client(t)
	if valkey.RuleSilent.Severity >= check.High {
		t.Error("a server that is away stops the start of a site, which serves strangers without it")
	}
	sound.Stop()
	for what, c := range map[string]*valkey.Client{"away": gone, "TLS to plain": client(strings.Replace(locked.Address, "valkey:", "valkeys:", 1), "hidden", 2*time.Second), "no socket": client("unix:///nowhere/socket", "", 2*time.Second)} {
		if ids := found(c); !maps.Equal(ids, silent) {
			t.Errorf("%s: %v", what, ids)
		}
	}
}

func TestRefusedInsideAWrite(t *testing.T) {
	e := sqlite.Engine("x.db")
	if err := e.Open(t.Context(), t.TempDir()); err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	c, err := valkey.New(valkey.Config{Address: "valkey://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	err = e.Write(t.Context(), func(ctx context.Context, _ *db.Writer) error {
		_, err := put.Do(ctx, c, note.Of("ann"), valkey.Text("x"))
		return err
	})
	refused(t, err, valkey.RuleInWrite)
}

// TestCluster: commands find the server that has a key, also when it is not the one that the address names.
func TestCluster(t *testing.T) {
	need.Time(t, "starts a cluster of three servers")
	first := valkeypeer.StartCluster(t, 3)
	c := first.ClusterClient(t)
	for i := range 300 {
		name := fmt.Sprint(i)
		if _, err := put.Do(t.Context(), c, note.Of(name), valkey.Text(name)); err != nil {
			t.Fatal(err)
		}
		if n, err := push.Do(t.Context(), c, item.Of(name, "x"), valkey.Text(name)); err != nil || n != 1 {
			t.Fatal(n, err)
		}
		if n, err := del.Do(t.Context(), c, note.Of(name), item.Of(name, "x")); err != nil || n != 2 {
			t.Fatal(n, err)
		}
		if was, err := swap.Do(t.Context(), c, []valkey.Name{note.Of(name), item.Of(name, "x")}, valkey.Text(name)); err != nil || was != "none" {
			t.Fatal(was, err)
		}
	}
	if n := size(t, first); n < 50 || n > 150 {
		t.Errorf("one of three servers has %d of 300 keys", n)
	}
	for _, one := range c.Checks() {
		if found := one.Run(t.Context()); len(found) != 0 {
			t.Error(found)
		}
	}
	alone, moved := first.Client(t), false // does not know of the cluster
	for i := range 20 {
		_, err := put.Do(t.Context(), alone, note.Of(fmt.Sprint(i)), valkey.Text(""))
		if said, ok := errors.AsType[*valkey.Error](err); ok && said.Code == "MOVED" {
			moved = true
		} else if err != nil {
			t.Error(err)
		}
	}
	if !moved {
		t.Error("one of three servers has all keys")
	}
}

// TestTogether has a hundred callers of one client, each of whom gets their own answers.
func TestTogether(t *testing.T) {
	c := valkeypeer.Start(t).Client(t)
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			mine := fmt.Sprint(i)
			for range 20 {
				if _, err := put.Do(t.Context(), c, note.Of(mine), valkey.Text(mine)); err != nil {
					t.Error(err)
					return
				}
				if got, err := get.Do(t.Context(), c, note.Of(mine)); err != nil || got != mine {
					t.Errorf("%s gets %q, %v", mine, got, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func write(t *testing.T, dir, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
