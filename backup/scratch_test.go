package backup

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/merlon-web/merlon/internal/swap"
)

// What a killed restore left is removed, what one that runs works in is not.
func TestSweepScratch(t *testing.T) {
	dest := filepath.Join(t.TempDir(), "data")
	dead, unlock, err := scratch(dest, dest)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	alive, unlock, err := scratch(dest, dest)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	beside := func(name string) string {
		path := filepath.Join(filepath.Dir(dest), name)
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	other, kept, foreign := beside("data.before-restore-20261124T000000Z"), beside(".data-restore-old"), beside(".data-restore-x-restore-0123456789ab")
	end, ended := time.After(300*time.Millisecond), make(chan struct{})
	go func() { // the program of the killed drill goes on for a moment
		defer close(ended)
		for i := 0; ; i++ {
			select {
			case <-end:
				return
			default:
				_ = os.WriteFile(filepath.Join(dead, fmt.Sprint(i)), nil, 0o600)
			}
		}
	}()
	err = sweepScratch(t.Context(), nil, dest, dest)
	<-ended
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{dead: false, alive: true, other: true, kept: true, foreign: true} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s is there: %v, want %v", path, err == nil, want)
		}
	}
}

// A folder beside the data is the site's rubbish when its mark says so, whatever the place was called that it was made for, and
// nobody holds it. The next start removes it too.
func TestSweepOfOtherNames(t *testing.T) {
	folder := t.TempDir()
	data := filepath.Join(folder, "data")
	killed := func(data, dest string) string {
		t.Helper()
		path, unlock, err := scratch(data, dest)
		if err != nil {
			t.Fatal(err)
		}
		unlock()
		return path
	}
	timed := killed(data, data+".restored-20261124T000000Z")
	named := killed(data, filepath.Join(folder, "rehearsal"))
	live := killed(data, data)
	foreign := killed(filepath.Join(folder, "club"), filepath.Join(folder, "club"))
	bare := filepath.Join(folder, ".data.restored-20261124T000000Z-restore-000000000000")
	lies := filepath.Join(folder, ".my-restore-000000000001") // a mark for another name
	for path, text := range map[string]string{bare: "", lies: fmt.Sprintf(`{"data":%q,"dest":%q}`, data, filepath.Join(folder, "other"))} {
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if text != "" {
			write(t, filepath.Join(path, scratchFile), []byte(text))
		}
	}
	placed := killed(data, filepath.Join(folder, "placed"))
	write(t, filepath.Join(folder, "placed.swap"), fmt.Appendf(nil, `{"fresh":%q,"before":"placed.before"}`, filepath.Base(placed)))
	held, unlock, err := scratch(data, filepath.Join(folder, "held"))
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()

	s := &testSite{t: t, data: data, target: t.TempDir()}
	s.start()
	for path, want := range map[string]bool{timed: false, named: false, live: false, foreign: true, bare: true, lies: true, placed: false, filepath.Join(folder, "placed"): true, held: true} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s is there: %v, want %v", path, err == nil, want)
		}
	}
	if swap.Announced(filepath.Join(folder, "placed")) {
		t.Error("what was announced is not done")
	}
}
