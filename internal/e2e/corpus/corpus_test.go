package corpus_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/internal/e2e/corpus"
	"github.com/merlon-web/merlon/internal/e2e/mailpeer"
	"github.com/merlon-web/merlon/internal/e2e/pgpeer"
	"github.com/merlon-web/merlon/internal/e2e/valkeypeer"
	"github.com/merlon-web/merlon/mailbox"
	"github.com/merlon-web/merlon/outbound/command"
	"github.com/merlon-web/merlon/outbound/export"
	"github.com/merlon-web/merlon/outbound/fetch"
	"github.com/merlon-web/merlon/outbound/file"
	"github.com/merlon-web/merlon/outbound/mail"
	"github.com/merlon-web/merlon/outbound/valkey"
	"github.com/merlon-web/merlon/postgres"
	"github.com/merlon-web/merlon/sqlite"
)

//go:embed testdata/migrations
var files embed.FS

var (
	schema = db.From(files, "testdata/migrations").Named("corpus")
	add    = db.Exec(schema, "INSERT INTO note (author, text) VALUES ($1, $2)")
	remove = db.Exec(schema, "DELETE FROM note WHERE author = $1")
	of     = db.Query[string](schema, "SELECT text FROM note WHERE author = $1 ORDER BY id LIMIT 50")
	among  = db.Query[string](schema, "SELECT text FROM note WHERE author IN ($1...) ORDER BY id LIMIT 50")
	like   = db.Query[string](schema, "SELECT text FROM note WHERE author LIKE $1 ESCAPE '\\' ORDER BY id LIMIT 50")
	sorted = db.Query[string](schema, "SELECT author FROM note ORDER BY {0} LIMIT 50", db.Choice{"": "id", "author": "author"})

	key     = valkey.NewKey("corpus:note:{}")
	item    = valkey.NewKey("corpus:note:{}:item:{}")
	put     = valkey.NewCommand[valkey.Done]("SET {key} {}", key)
	get     = valkey.NewCommand[string]("GET {key}", key)
	putItem = valkey.NewCommand[valkey.Done]("SET {key} {}", item)
	getItem = valkey.NewCommand[string]("GET {key}", item)
	swap    = valkey.NewScript[string](`local was = redis.call('GET', KEYS[1]) or 'none' redis.call('SET', KEYS[1], ARGV[1]) return was`)
	printer = command.New("printf", "%s\\n", "--")
	echo    = command.New("printf", "%s\\n")
	api     = fetch.At("https://api.site.test/notes/{}?q={}")
)

func TestMain(m *testing.M) { os.Exit(pgpeer.Main(m)) }

// A backEnd takes one text wherever a visitor's text goes, and returns what it did beyond being a text, "" for nothing, and
// why it was refused, nil if it was not.
type backEnd struct {
	name string
	take func(t *testing.T) func(text string) (harm string, refused error)
}

var backEnds = []backEnd{
	{"sqlite", func(t *testing.T) func(string) (string, error) { return sql(t, sqlite.Engine("x.db")) }},
	{"postgres", func(t *testing.T) func(string) (string, error) {
		server := pgpeer.Shared(t)
		return sql(t, postgres.Engine(server.Config(server.Database(t))))
	}},
	{"valkey", cache}, {"command", argv}, {"command without --", bare}, {"mail, subject", subject}, {"address", address}, {"file", upload}, {"csv", table},
}

// TestHostile: each of a hundred attempts and more is refused or a text like any other, at every back end.
func TestHostile(t *testing.T) {
	texts := corpus.Hostile()
	if distinct(t, texts) < 100 {
		t.Fatalf("%d texts", len(texts))
	}
	for _, b := range backEnds {
		t.Run(b.name, func(t *testing.T) {
			take, refused := b.take(t), 0
			for _, text := range texts {
				harm, err := take(text)
				if harm != "" {
					t.Errorf("%q: %s", text, harm)
				}
				if err != nil {
					refused++
					if !strings.Contains(err.Error(), "[MRL-") {
						t.Errorf("%q is refused without a rule: %v", text, err)
					}
				}
			}
			t.Logf("%d attempts: %d refused, %d harmless", len(texts), refused, len(texts)-refused)
		})
	}
}

// TestHonest: none of a hundred texts of people is refused or changed, but where a program is given data without a "--" before it.
func TestHonest(t *testing.T) {
	texts := corpus.Honest()
	if distinct(t, texts) < 100 {
		t.Fatalf("%d texts", len(texts))
	}
	for _, b := range backEnds {
		if b.name == "command without --" {
			continue
		}
		t.Run(b.name, func(t *testing.T) {
			take := b.take(t)
			for _, text := range texts {
				if harm, err := take(text); err != nil || harm != "" {
					t.Errorf("%q: %v, %s", text, err, harm)
				}
			}
		})
	}
}

// TestRecipients: of the same texts those are recipients that are one plain address.
func TestRecipients(t *testing.T) {
	for _, text := range append(corpus.Hostile(), corpus.Honest()...) {
		_, err := mailbox.ParseAddress(text)
		if want := text == "ann@site.test" || text == "ann+club@site.test"; (err == nil) != want {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, honest := range []string{"ann.o'brien@site.test", "ann_b@site.test", "a@site.test", "Ann-B@mail.site.test", "100%@site.test", "ann+a+b@site.museum", "o{x}@site.test", "a=b@site.test"} {
		if _, err := mailbox.ParseAddress(honest); err != nil {
			t.Errorf("%q: %v", honest, err)
		}
	}
}

func distinct(t *testing.T, texts []string) int {
	t.Helper()
	seen := map[string]bool{}
	for _, text := range texts {
		if seen[text] {
			t.Errorf("%q is there twice", text)
		}
		seen[text] = true
	}
	return len(seen)
}

// sql keeps a text as a value, finds it by equality, in a list and within a pattern, and gives it as the name of an order. A row
// beside it must stay, and must not be found.
func sql(t *testing.T, e db.Engine) func(string) (string, error) {
	if err := e.Open(t.Context(), t.TempDir(), schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	if _, err := e.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	write := func(do func(*db.Writer) error) error {
		return e.Write(t.Context(), func(_ context.Context, w *db.Writer) error { return do(w) })
	}
	run := func(s *db.Statement[db.Affected], args ...any) error {
		return write(func(w *db.Writer) error { _, err := s.Run(w, args...); return err })
	}
	if err := run(add, "canary", "alive"); err != nil {
		t.Fatal(err)
	}
	return func(text string) (harm string, refused error) {
		harmed := func(what string, got any, err error) { harm += fmt.Sprintf("%s: %q, %v; ", what, got, err) }
		if refused = run(add, text, text); refused != nil {
			if r := e.Read(t.Context()); true {
				if got, err := sorted.All(r); err != nil || !slices.Equal(got, []string{"canary"}) {
					harmed("refused, and left", got, err)
				}
				r.Close()
			}
			return harm, refused
		}
		r := e.Read(t.Context())
		for what, ask := range map[string]func() ([]string, error){
			"by equality": func() ([]string, error) { return of.All(r, text) },
			"in a list":   func() ([]string, error) { return among.All(r, []string{text, text + "x"}) },
			"a pattern":   func() ([]string, error) { return like.All(r, db.Contains(text)) },
			"a beginning": func() ([]string, error) { return like.All(r, db.HasPrefix(text)) },
		} {
			got, err := ask()
			if strings.HasPrefix(what, "a ") && strings.Contains(text, "\x00") {
				if err == nil || !strings.Contains(err.Error(), db.RuleArgument.ID) {
					harmed(what, got, err)
				}
			} else if err != nil || !slices.Equal(got, []string{text}) {
				harmed(what, got, err)
			}
		}
		if got, err := sorted.Choose(text).All(r); err != nil || !slices.Equal(got, []string{"canary", text}) {
			harmed("as an order", got, err)
		}
		r.Close()
		if err := run(remove, text); err != nil {
			harmed("removed", "", err)
		}
		r = e.Read(t.Context())
		defer r.Close()
		if got, err := sorted.All(r); err != nil || !slices.Equal(got, []string{"canary"}) {
			harmed("left", got, err)
		}
		return harm, nil
	}
}

// cache keeps a text as a value, as part of a key, and gives it to a script.
func cache(t *testing.T) func(string) (string, error) {
	server := valkeypeer.Start(t)
	c, ctx := server.Client(t), t.Context()
	if _, err := putItem.Do(ctx, c, item.Of("canary", "1"), valkey.Text("alive")); err != nil {
		t.Fatal(err)
	}
	n := 1
	return func(text string) (string, error) {
		if _, err := put.Do(ctx, c, key.Of(text), valkey.Text(text)); err != nil {
			return "", err
		}
		n++
		if got, err := get.Do(ctx, c, key.Of(text)); err != nil || got != text {
			return fmt.Sprintf("read as %q, %v", got, err), nil
		}
		if was, err := swap.Do(ctx, c, []valkey.Name{key.Of(text)}, valkey.Text(text)); err != nil || was != text {
			return fmt.Sprintf("a script read %q, %v", was, err), nil
		}
		if got, err := getItem.Do(ctx, c, item.Of("canary", "1")); err != nil || got != "alive" {
			return fmt.Sprintf("what was beside it is %q, %v", got, err), nil
		}
		if size := server.Say("DBSIZE"); strings.TrimSpace(size) != fmt.Sprintf(":%d", n) {
			return fmt.Sprintf("the server has %q keys, want %d", size, n), nil
		}
		return "", nil
	}
}

func argv(t *testing.T) func(string) (string, error) { return program(t, printer) }
func bare(t *testing.T) func(string) (string, error) { return program(t, echo) }

// program gives a text to a program that prints what it is given.
func program(t *testing.T, c *command.Command) func(string) (string, error) {
	const made = "/tmp/merlon-corpus" // what the texts would make
	_ = os.Remove(made)
	return func(text string) (string, error) {
		out, err := c.Run(t.Context(), nil, text)
		if _, gone := os.Lstat(made); gone == nil {
			return "it ran", err
		}
		want := text + "\n"
		if c == printer {
			want = "--\n" + want // printf repeats its format for each argument, the dashes too
		}
		if err == nil && string(out.Out) != want {
			return fmt.Sprintf("printed %q", out.Out), nil
		}
		return "", err
	}
}

// subject sends a mail with a text as its subject.
func subject(t *testing.T) func(string) (string, error) {
	p := mailpeer.Start(t)
	s, err := mail.New(mail.Config{Host: "127.0.0.1", Port: p.Port, From: "Club <club@site.test>", Site: "site.test", Timeout: 10 * time.Second, Roots: p.Roots()})
	if err != nil {
		t.Fatal(err)
	}
	r, sent := s.Begin(), 0
	t.Cleanup(r.Close)
	return func(text string) (string, error) {
		if _, err := r.Send(t.Context(), mail.Mail{To: "ann@site.test", Subject: text, Text: text + "\nend", Date: time.Now()}); err != nil {
			if n := len(p.Mails()); n != sent {
				return fmt.Sprintf("refused, and %d mails arrived, want %d", n, sent), err
			}
			return "", err
		}
		sent++
		got := p.Wait(sent)[sent-1]
		if got.Subject != text || got.To != "ann@site.test" || len(got.Header["Bcc"]) > 0 || len(got.Header) != 9 {
			return fmt.Sprintf("arrived with subject %q, to %q, headers %v", got.Subject, got.To, got.Header), nil
		}
		return "", nil
	}
}

// address puts a text into an address, as a segment of the path and as a value of the query.
func address(*testing.T) func(string) (string, error) {
	return func(text string) (string, error) {
		at, err := api.With(text, text)
		if err != nil {
			return "", err
		}
		u, err := url.Parse(at)
		if err != nil {
			return err.Error(), nil
		}
		last, err := url.PathUnescape(strings.TrimPrefix(u.EscapedPath(), "/notes/"))
		if q := u.Query(); err != nil || u.Scheme != "https" || u.Host != "api.site.test" || u.User != nil || u.Fragment != "" || strings.Count(u.EscapedPath(), "/") != 2 || last != text ||
			len(q) != 1 || len(q["q"]) != 1 || q.Get("q") != text {
			return "became " + at, nil
		}
		return "", nil
	}
}

type document struct {
	File form.File `form:"required,max_bytes=1000000,types=text/plain"`
}

// upload sends a file of that name, and asks for a kept one by it.
func upload(t *testing.T) func(string) (string, error) {
	dir, e := t.TempDir(), sqlite.Engine("site.db")
	store := file.New(dir, time.Now, file.Limits{})
	if err := e.Open(t.Context(), dir, file.Schema()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close(); store.Close() })
	if _, err := e.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	const content = "the same text each time"
	sum := sha256.Sum256([]byte(content))
	hash := hex.EncodeToString(sum[:])
	return func(text string) (string, error) {
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		part, err := w.CreateFormFile("File", text+".txt") // the ending says the type
		if err == nil {
			_, err = part.Write([]byte(content))
		}
		if err != nil || w.Close() != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("POST", "/", &body)
		r.Header.Set("Content-Type", w.FormDataContentType())
		b, err := form.ParseUploads(r, form.Limits{}, form.Uploads{Spec: form.Form[document]{}.FormSpec(), Spool: store.For(1)})
		if err != nil {
			return "", err
		}
		defer b.Drop()
		f, _ := form.Bind[document](b, nil)
		v, ok := f.Value()
		if !ok {
			return "not taken: " + f.Problem("File"), nil
		}
		if err := e.Write(t.Context(), func(_ context.Context, w *db.Writer) error {
			_, err := file.Keep(w, v.File)
			return err
		}); err != nil {
			return "", err
		}
		reader := e.Read(t.Context())
		defer reader.Close()
		if _, err := file.Find(reader, text); !errors.Is(err, db.ErrNoRow) {
			return fmt.Sprintf("found by that name: %v", err), nil
		}
		if f, err := store.OpenHash(text); err == nil {
			f.Close()
			return "opened by that name", nil
		}
		kept, err := filepath.Glob(filepath.Join(dir, file.Folder, "*", "*", "*"))
		if want := filepath.Join(dir, filepath.FromSlash(file.BlobPath(hash))); err != nil || !slices.Equal(kept, []string{want}) {
			return fmt.Sprintf("on the disk: %q, %v", kept, err), nil
		}
		return "", nil
	}
}

// table writes a text as a cell.
func table(t *testing.T) func(string) (string, error) {
	return func(text string) (string, error) {
		var b strings.Builder
		out, err := export.NewCSV(&b, "A", "B")
		if err != nil {
			t.Fatal(err)
		}
		if err := out.Row(text, "end"); err != nil {
			return "", err
		}
		rows, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
		if err != nil || len(rows) != 2 || len(rows[1]) != 2 || rows[1][1] != "end" {
			return fmt.Sprintf("read as %q, %v", rows, err), nil
		}
		got := rows[1][0]
		first, _ := utf8.DecodeRuneInString(strings.TrimLeft(got, " \t\r\n\u00a0\ufeff"))
		if same := strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\r\n", "\n"); strings.ContainsRune("=+-@＝＋－＠", first) || got != same && got != "'"+same {
			return fmt.Sprintf("the cell is %q", got), nil
		}
		return "", nil
	}
}
