package valkey_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/outbound/valkey"
)

var (
	put     = valkey.NewCommand[valkey.Done]("SET {key} {}", note)
	putOne  = valkey.NewCommand[valkey.Done]("SET {key} {}", counter)
	putNew  = valkey.NewCommand[valkey.Done]("SET {key} {} EX 60 NX", note)
	get     = valkey.NewCommand[string]("GET {key}", note)
	getNum  = valkey.NewCommand[int64]("GET {key}", note)
	getAll  = valkey.NewCommand[[]string]("MGET {key}...", note)
	del     = valkey.NewCommand[int64]("DEL {key} {key}...", note, item)
	rise    = valkey.NewCommand[int64]("INCRBY {key} {}", counter)
	push    = valkey.NewCommand[int64]("RPUSH {key} {}...", item)
	all     = valkey.NewCommand[[]string]("LRANGE {key} 0 -1", item)
	fields  = valkey.NewCommand[int64]("HSET {key} {}...", pair)
	record  = valkey.NewCommand[map[string]string]("HGETALL {key}", pair)
	weigh   = valkey.NewCommand[float64]("INCRBYFLOAT {key} {}", note)
	swap    = valkey.NewScript[string](`local was = redis.call('GET', KEYS[1]) or 'none' redis.call("SET", KEYS[1], ARGV[1]) return was`)
	listing = valkey.NewScript[[]string](`return {KEYS[1], ARGV[1], 7, false}`)
	drop    = valkey.NewScript[int64](`local now = redis.call('TIME') return redis.call( 'DEL', KEYS[1] )`)
	nothing = valkey.NewScript[int64](`return redis.call('GET', KEYS[1])`)
)

func TestCommandsThatMayNotBe(t *testing.T) {
	for _, text := range []string{"EVAL", "EVALSHA", "EVAL_RO", "FUNCTION", "FCALL", "SCRIPT", "CONFIG", "FLUSHALL", "FLUSHDB", "KEYS", "SCAN", "HSCAN", "SORT", "SORT_RO", "SELECT", "SWAPDB", "MULTI",
		"EXEC", "WATCH", "SUBSCRIBE", "PSUBSCRIBE", "PUBLISH", "MONITOR", "CLIENT", "ACL", "AUTH", "HELLO", "RESET", "QUIT", "BLPOP", "BRPOP", "BLMOVE", "XREAD", "WAIT", "DEBUG", "MODULE", "REPLICAOF", "SLAVEOF",
		"SHUTDOWN", "SAVE", "BGSAVE", "MIGRATE", "RESTORE", "DUMP", "OBJECT", "MEMORY", "CLUSTER", "LATENCY", "ZUNIONSTORE", "MSET", "GEORADIUS", "INFO", "get", "G\x00ET"} {
		if valkey.Declarable(text) {
			t.Errorf("%s may be declared", text)
		}
	}
	declaring(t, valkey.RuleCommand, func() { valkey.NewCommand[string]("") })
	declaring(t, valkey.RuleCommand, func() { valkey.NewCommand[string]("EVAL {} 1 {key}", note) })
	declaring(t, valkey.RuleCommand, func() { valkey.NewCommand[string]("get {key}", note) })
	declaring(t, valkey.RuleCommand, func() { valkey.NewCommand[string]("GET {}") })
	declaring(t, valkey.RuleCommand, func() { valkey.NewCommand[string]("GET shop:note:{}") })
	declaring(t, valkey.RuleCommand, func() { valkey.NewCommand[string]("GET {key}") })
	declaring(t, valkey.RuleCommand, func() { valkey.NewCommand[string]("GET {key}", nil) })
	declaring(t, valkey.RuleCommand, func() { valkey.NewCommand[string]("GET {key} {key}", note, note) })
	declaring(t, valkey.RuleCommand, func() { valkey.NewCommand[string]("GET {key}...", note) })
	declaring(t, valkey.RuleCommand, func() { valkey.NewCommand[string]("SET {} {key}", note) })
	declaring(t, valkey.RuleCommand, func() { valkey.NewCommand[string]("SET {key} x{}", note) })
	declaring(t, valkey.RuleCommand, func() { valkey.NewCommand[string]("SET {key} x...", note) })
	declaring(t, valkey.RuleCommand, func() { valkey.NewCommand[string]("MGET {key} {}", note) })
	declaring(t, valkey.RuleCommand, func() { valkey.NewCommand[string]("RENAME {key} {}", note) })
	declaring(t, valkey.RuleScript, func() { valkey.NewScript[string]("") })
	declaring(t, valkey.RuleScript, func() { valkey.NewScript[string]("return loadstring(ARGV[1])()") })
	declaring(t, valkey.RuleScript, func() { valkey.NewScript[string]("return redis.call(ARGV[1], KEYS[1])") })
	declaring(t, valkey.RuleScript, func() { valkey.NewScript[string]("local c = redis.call return c(ARGV[1])") })
	declaring(t, valkey.RuleScript, func() { valkey.NewScript[string]("return redis.pcall('G' .. ARGV[1], KEYS[1])") })
	declaring(t, valkey.RuleScript, func() { valkey.NewScript[string]("return redis['call']('GET', KEYS[1])") })
	declaring(t, valkey.RuleScript, func() { valkey.NewScript[string]("return redis.call('GET', ARGV[1])") })
	declaring(t, valkey.RuleScript, func() { valkey.NewScript[string]("return redis.call('FLUSHALL')") })
	declaring(t, valkey.RuleScript, func() { valkey.NewScript[string]("return redis.call('EVAL', KEYS[1], ARGV[1])") })
}

func TestWhatAPlaceTakes(t *testing.T) {
	c, err := valkey.New(valkey.Config{Address: "valkey://127.0.0.1:1", Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ask := func(_ any, err error) { t.Helper(); refused(t, err, valkey.RuleValue) }
	ask(get.Do(t.Context(), c))
	ask(get.Do(t.Context(), c, note.Of("a"), note.Of("b")))
	ask(get.Do(t.Context(), c, valkey.Text("shop:note:{b}")))
	ask(get.Do(t.Context(), c, item.Of("a", "b")))
	ask(get.Do(t.Context(), c, note.Of("")))
	ask(get.Do(t.Context(), c, valkey.Name{}))
	ask(put.Do(t.Context(), c, note.Of("a"), note.Of("b")))
	ask(put.Do(t.Context(), c, note.Of("a"), valkey.Text(strings.Repeat("x", 8<<20+1))))
	ask(getAll.Do(t.Context(), c, note.Of("a"), valkey.Text("b")))
	ask(push.Do(t.Context(), c, item.Of("a", "b")))
	ask(swap.Do(t.Context(), c, nil, valkey.Text("x")))
	ask(swap.Do(t.Context(), c, []valkey.Name{{}}, valkey.Text("x")))
	ask(swap.Do(t.Context(), c, []valkey.Name{note.Of("")}, valkey.Text("x")))
	_, err = getAll.Do(t.Context(), c, note.Of("a"), note.Of("b"))
	refused(t, err, valkey.RuleSlot)
	_, err = swap.Do(t.Context(), c, []valkey.Name{note.Of("a"), item.Of("b", "a")}, valkey.Text("x"))
	refused(t, err, valkey.RuleSlot)
	if _, err := del.Do(t.Context(), c, note.Of("a"), item.Of("a", "b"), item.Of("a", "c")); !errors.Is(err, valkey.ErrCannot) {
		t.Errorf("nobody listens there: %v", err)
	}
	c.Close()
	if _, err := get.Do(t.Context(), c, note.Of("a")); !errors.Is(err, valkey.ErrClosed) {
		t.Errorf("a closed client: %v", err)
	}
}

// What is written is a list of texts, each with its length before it.
func TestVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/wire.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		ID, Title, Wire string
		Input           []string
	}
	if err := json.Unmarshal(text, &cases); err != nil || len(cases) < 5 {
		t.Fatal(err, len(cases))
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	wire := make(chan string, 100)
	go record1(l, wire)
	c, err := valkey.New(valkey.Config{Address: "valkey://" + l.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, one := range cases {
		t.Run(one.ID, func(t *testing.T) {
			if one.Input[0] != "SET" || one.Input[1] != "shop:note:1" {
				t.Fatalf("the test knows no command %q", one.Input)
			}
			if _, err := putOne.Do(t.Context(), c, counter.Of(), valkey.Text(one.Input[2])); err != nil {
				t.Fatal(err)
			}
			want := strings.Replace(one.Wire, "$11\r\nshop:note:1\r\n", "$18\r\nmerlon:shop:note:1\r\n", 1)
			if got := <-wire; got != want {
				t.Errorf("%s: got %q, want %q", one.Title, got, want)
			}
		})
	}
}

// record1 answers each command with OK and tells those that set something, as they came.
func record1(l net.Listener, wire chan<- string) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			r := bufio.NewReader(conn)
			for {
				head, err := r.ReadString('\n')
				if err != nil {
					return
				}
				n, _ := strconv.Atoi(strings.TrimSpace(head[1:]))
				whole, first := head, ""
				for i := range n {
					size, _ := r.ReadString('\n')
					length, _ := strconv.Atoi(strings.TrimSpace(size[1:]))
					body := make([]byte, length+2)
					if _, err := io.ReadFull(r, body); err != nil {
						return
					}
					whole += size + string(body)
					if i == 0 {
						first = string(body[:length])
					}
				}
				if first == "SET" {
					wire <- whole
				}
				_, _ = conn.Write([]byte("+OK\r\n"))
			}
		}()
	}
}
