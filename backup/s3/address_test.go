package s3_test

import (
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/backup"
	"github.com/merlon-web/merlon/backup/s3"
)

func announce(body string) backup.PutOptions {
	return backup.PutOptions{Size: int64(len(body)), SHA256: sha256.Sum256([]byte(body)), Once: true}
}

func read(t testing.TB, target backup.Target, o backup.Object) string {
	t.Helper()
	r, err := target.Get(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What is wrong with an address or a file of credentials is said before anything is sent, and nothing of it is repeated.
func TestAddressesAreRefused(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		name = filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(name, []byte(text), mode), os.Chmod(name, mode)); err != nil {
			t.Fatal(err)
		}
		return name
	}
	const right = "# made yesterday\naccess-key = abc\nsecret-key = hunter2\n"
	good := backup.Settings{"credentials": file("good", right, 0o600)}
	for _, c := range []struct {
		address string
		with    backup.Settings
		says    string
	}{
		{"s3://abc:hunter2@bucket/x", good, "password"},
		{"s3://hunter2@bucket/x", good, "holds a user or a key"},
		{"s3://bucket/x?endpoint=http://s3.example.com", good, "loopback"},
		{"s3://bucket/x?endpoint=http://127.0.0.1.example.com", good, "loopback"},
		{"s3://bucket/x?endpoint=ftp://127.0.0.1", good, "loopback"},
		{"s3://bucket/x?endpoint=https://abc:hunter2@s3.example.com", good, "endpoint is none"},
		{"s3://bucket/x?endpoint=https://s3.example.com/bucket", good, "endpoint is none"},
		{"s3://bucket/x?secret=hunter2", good, "only endpoint and region"},
		{"s3://bucket/x?region=a&region=b", good, "only endpoint and region"},
		{"s3:///x", good, "names no bucket"},
		{"s3://Bucket/x", good, "names no bucket"},
		{"s3://bucket/a//b", good, "part that is empty"},
		{"s3://bucket/../b", good, "begins with a dot"},
		{"s3://bucket/x", nil, "no credentials"},
		{"s3://bucket/x", backup.Settings{"credentials": filepath.Join(dir, "gone")}, "no such file"},
		{"s3://bucket/x", backup.Settings{"credentials": dir}, "chmod 600"},
		{"s3://bucket/x", backup.Settings{"credentials": file("open", right, 0o640)}, "chmod 600"},
		{"s3://bucket/x", backup.Settings{"credentials": file("half", "access-key = abc\n", 0o600)}, "no access-key = … or no secret-key"},
		{"s3://bucket/x", backup.Settings{"credentials": file("odd", right+"hunter2\n", 0o600)}, "line 4 is none"},
		{"s3://bucket/x", backup.Settings{"credentials": file("twice", right+right, 0o600)}, "line 5 is none"},
		{"s3://bucket/x", backup.Settings{"secret-key": "hunter2"}, "no setting"},
		{"s3://bucket/x", backup.Settings{"credentials": good["credentials"], "ca-file": file("ca", "none", 0o600)}, "no certificate in PEM"},
	} {
		target, err := backup.OpenTarget(t.Context(), c.address, c.with, []backup.Scheme{s3.Scheme})
		if err == nil {
			t.Errorf("%s %v was opened", c.address, c.with)
			target.Close()
			continue
		}
		if !errors.Is(err, backup.ErrAddress) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s %v: %v, want one that says %q", c.address, c.with, err, c.says)
		}
	}
}
