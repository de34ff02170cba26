package s3

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/merlon-web/merlon/secret"
)

// keys are what requests are signed with.
type keys struct{ access, secret, session secret.String }

// readKeys reads them from a file, or from the environment when none is named.
func readKeys(file string) (k keys, err error) {
	if file == "" {
		k = keys{secret.New(os.Getenv("AWS_ACCESS_KEY_ID")), secret.New(os.Getenv("AWS_SECRET_ACCESS_KEY")), secret.New(os.Getenv("AWS_SESSION_TOKEN"))}
		if k.access.Empty() || k.secret.Empty() {
			return k, errors.New("no credentials: neither the setting \"credentials\" names a file, nor has the environment AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
		}
		return k, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return k, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return k, err
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 {
		return k, fmt.Errorf("%s is %s: others may read the credentials in it; chmod 600 %s, and if they could read it for long, make a new key", file, info.Mode(), file)
	}
	k, err = parseKeys(f)
	if err != nil {
		return k, fmt.Errorf("%s: %w", file, err)
	}
	return k, nil
}

// parseKeys reads lines NAME = VALUE with our names or those of Amazon's own files; blank lines, comments and a heading are
// skipped. Errors tell a line's number, not what stands on it.
func parseKeys(r io.Reader) (k keys, err error) {
	lines := bufio.NewScanner(io.LimitReader(r, 64<<10))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' || line[0] == ';' || line[0] == '[' {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		into := map[string]*secret.String{
			"access-key": &k.access, "aws_access_key_id": &k.access,
			"secret-key": &k.secret, "aws_secret_access_key": &k.secret,
			"session-token": &k.session, "aws_session_token": &k.session,
		}[strings.TrimSpace(name)]
		if value = strings.TrimSpace(value); !ok || into == nil || value == "" || !into.Empty() {
			return keys{}, fmt.Errorf("line %d is none of access-key = …, secret-key = …, session-token = …, each once", n)
		}
		*into = secret.New(value)
	}
	if err := lines.Err(); err != nil {
		return keys{}, err
	}
	if k.access.Empty() || k.secret.Empty() {
		return keys{}, errors.New("it has no access-key = … or no secret-key = …")
	}
	return k, nil
}
