package merlon_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/merlontest"
)

// TestMain runs the tests, or, as a child of one of them, the test site on a folder until it is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("MERLON_TEST_CHILD"); dir != "" {
		if err := child(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if dir := os.Getenv("MERLON_TEST_JOB_CHILD"); dir != "" {
		fmt.Fprintln(os.Stderr, jobChild(dir))
		os.Exit(1)
	}
	os.Exit(need.Main(m))
}

func child(dir string) error {
	site, err := openTestSite(merlon.Env{Mode: merlon.Test, Data: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	if err := site.Start(context.Background()); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	return site.Serve(context.Background(), l)
}

// kills is how often a test kills its child: few in CI, many in .ci/long.
func kills() int {
	if n, err := strconv.Atoi(os.Getenv("MERLON_TEST_KILLS")); err == nil {
		return n
	}
	if os.Getenv("MERLON_TEST_LONG") != "" {
		return 200
	}
	return 10
}

var tokenValue = regexp.MustCompile(`name="merlon_token" value="([^"]+)"`)

// TestKillUnderLoad kills the site at random moments under posts: what was acknowledged is there, and nothing is there by
// half.
func TestKillUnderLoad(t *testing.T) {
	need.Time(t, "kills processes")
	dir := filepath.Join(t.TempDir(), "data")
	var mu sync.Mutex
	acked := map[string]bool{}
	sent := 0
	for round := range kills() {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "MERLON_TEST_CHILD="+dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			t.Fatalf("round %d: the site did not come up again: %v", round, err)
		}
		addr := strings.TrimSpace(line)
		ctx, stop := context.WithCancel(context.Background())
		var posters sync.WaitGroup
		for p := range 4 {
			posters.Go(func() {
				for i := 0; ctx.Err() == nil; i++ {
					text := fmt.Sprintf("r%d p%d i%d", round, p, i)
					ok, err := postPair(ctx, addr, text)
					mu.Lock()
					sent++
					if ok {
						acked[text] = true
					}
					mu.Unlock()
					if err != nil {
						return
					}
				}
			})
		}
		for end := time.Now().Add(time.Minute); round == 0 && time.Now().Before(end); time.Sleep(time.Millisecond) { // a slow machine has answered once, too
			mu.Lock()
			one := len(acked) > 0
			mu.Unlock()
			if one {
				break
			}
		}
		time.Sleep(50*time.Millisecond + rand.N(200*time.Millisecond))
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		stop()
		posters.Wait()
	}
	s := merlontest.StartIn(t, dir, openTestSite)
	found := map[string]int{}
	s.Read(func(r *db.Reader) error {
		for n, err := range allNotes.Each(r, 1_000_000) {
			if err != nil {
				return err
			}
			found[n.Text]++
		}
		return nil
	})
	for text := range acked {
		if found[text] == 0 {
			t.Errorf("the acknowledged post %q is lost", text)
		}
	}
	for text, n := range found {
		if n != 2 {
			t.Errorf("the post %q left %d rows, want 2", text, n)
		}
	}
	t.Logf("%d kills, %d posts sent, %d acknowledged, %d stored", kills(), sent, len(acked), len(found))
	if len(acked) == 0 {
		t.Error("nothing was acknowledged: the test proves nothing")
	}
}

// postPair gets the form and posts it, as an anonymous browser: true when the answer was 303.
func postPair(ctx context.Context, addr, text string) (bool, error) {
	get, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/pair", nil)
	if err != nil {
		return false, err
	}
	res, err := http.DefaultTransport.RoundTrip(get)
	if err != nil {
		return false, err
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil {
		return false, err
	}
	token := tokenValue.FindSubmatch(body)
	if token == nil || len(res.Cookies()) == 0 {
		return false, fmt.Errorf("no form: %s", body)
	}
	form := url.Values{"merlon_token": {string(token[1])}, "Text": {text}}
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+"/pair", strings.NewReader(form.Encode()))
	if err != nil {
		return false, err
	}
	post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	post.Header.Set("Origin", "http://"+addr)
	post.AddCookie(&http.Cookie{Name: res.Cookies()[0].Name, Value: res.Cookies()[0].Value})
	if res, err = http.DefaultTransport.RoundTrip(post); err != nil {
		return false, err
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	return res.StatusCode == http.StatusSeeOther, nil
}
