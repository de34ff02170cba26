package file_test

import (
	"bytes"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/merlon-web/merlon/outbound/file"
)

// TestKill: wherever a process is killed, each row that was committed has its bytes, and two days later nothing else is left.
func TestKill(t *testing.T) {
	for step := 1; ; step++ {
		dir := t.TempDir()
		child := exec.Command(os.Args[0], dir)
		child.Env = append(os.Environ(), killAt+"="+strconv.Itoa(step))
		out, err := child.Output()
		whole := bytes.Contains(out, []byte("whole"))
		if err == nil != whole {
			t.Fatalf("step %d: %v: %s", step, err, out)
		}
		h, err := open(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		r := h.engine.Read(t.Context())
		missing, err := h.Missing(r)
		if len(missing) > 0 || err != nil {
			t.Errorf("step %d: rows without bytes: %v, %v", step, missing, err)
		}
		hashes, err := file.Hashes(r)
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		h.now = time.Now().Add(3 * file.Grace)
		if _, err := h.Collect(t.Context(), h.engine); err != nil {
			t.Errorf("step %d: %v", step, err)
		}
		r = h.engine.Read(t.Context())
		if missing, err := h.Missing(r); len(missing) > 0 || err != nil {
			t.Errorf("step %d: the collector took bytes that rows name: %v, %v", step, missing, err)
		}
		left, err := file.Hashes(r)
		if blobs := h.blobs(t); err != nil || len(blobs) != len(left) || len(left) > len(hashes) {
			t.Errorf("step %d: %d blobs for %d hashes: %v", step, len(blobs), len(left), err)
		}
		r.Close()
		h.engine.Close()
		h.Close()
		if whole {
			if step < 12 {
				t.Errorf("only %d steps were killed", step-1)
			}
			return
		}
	}
}
