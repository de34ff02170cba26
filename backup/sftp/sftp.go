// Package sftp keeps backups in a folder of another machine, over SSH.
//
// It cannot lock: whoever has the site's key can delete there. Protection against that is for the other machine to give
// (snapshots of its file system, a copy that it makes itself), and `check` says so.
//
// An address is sftp://USER@HOST:PORT/FOLDER; /~/FOLDER begins at the user's home. The machine proves itself by a host key
// whose fingerprint the setting "host-key" pins: nobody is trusted because they answered first. The site signs in by a key
// file alone; passwords and agents are not used.
//
// A body lies beside as a part until it is whole, is synced where the server can (fsync@openssh.com), and gets its name by a
// rename that OpenSSH does not do over a file that is there. The protocol knows no hash: what is stored is proven by being
// read back, which package backup does for targets whose Traits.Hashes is false.
package sftp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/merlon-web/merlon/backup"
)

const example = "sftp://merlon@backup.example.org/srv/backup/site"

// Scheme opens folders over SSH: list it in backup.Config.Schemes.
var Scheme = backup.Scheme{
	Name:    "sftp",
	Example: example,
	Options: []backup.Option{
		{Name: "key-file", What: "the file of mode 0600 with the private key, made by: ssh-keygen -t ed25519 -N '' -f FILE", Needed: true},
		{Name: "host-key", What: "the machine's fingerprint, SHA256:…, as ssh-keygen -lf shows it on that machine; several divided by spaces while it changes", Needed: true},
	},
	Open: open,
}

// idle is how long a machine may say nothing before the connection is given up.
const idle = time.Minute

// A target is one folder of one account. A connection that broke is made anew by the next who needs it.
type target struct {
	address string
	host    string // with the port
	base    string
	config  *ssh.ClientConfig

	mu    sync.Mutex
	live  *connection
	swept bool
}

// A connection is one session with a server.
type connection struct {
	*sftp.Client
	wire   net.Conn
	broken chan struct{} // closed when it ended
}

func (t *target) String() string { return t.address }

func (t *target) Traits() backup.Traits { return backup.Traits{} }

func (t *target) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.live != nil {
		t.live.end()
		t.live = nil
	}
	return nil
}

// end closes the wire first: closing politely would wait for a machine that is gone.
func (c *connection) end() {
	_ = c.wire.Close()
	_ = c.Client.Close()
}

func open(ctx context.Context, address *url.URL, s backup.Settings) (backup.Target, error) {
	t := &target{address: address.String()}
	wrong := func(advice, format string, args ...any) error {
		return &backup.TargetError{Op: "open", Target: t.address, Kind: backup.ErrAddress, Err: fmt.Errorf(format, args...), Advice: advice}
	}
	user := address.User.Username()
	if user == "" || address.Hostname() == "" || address.RawQuery != "" || address.Fragment != "" || strings.Trim(address.Path, "/") == "" {
		return nil, wrong("write it like "+example, "it has no user, machine or folder, or more than these")
	}
	if _, has := address.User.Password(); has {
		return nil, wrong("use a key file", "it holds a password")
	}
	t.host = net.JoinHostPort(address.Hostname(), either(address.Port(), "22"))
	t.base = strings.TrimRight(address.Path, "/")
	if home, ok := strings.CutPrefix(t.base+"/", "/~/"); ok {
		t.base = either(strings.TrimRight(home, "/"), ".")
	}
	signer, err := readKey(s["key-file"])
	if err != nil {
		return nil, wrong("make a key for this alone: ssh-keygen -t ed25519 -N '' -f FILE, and append FILE.pub to the authorized_keys of "+user+" there", "%w", err)
	}
	t.config = &ssh.ClientConfig{
		User: user,
		Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)},
		// In one order, so that the same machine always shows the same one of its keys.
		HostKeyAlgorithms: []string{ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256},
		HostKeyCallback:   pinned(s["host-key"]),
		Timeout:           15 * time.Second,
	}
	err = t.do(ctx, "open", "", func(c *connection) error {
		info, err := c.Stat(t.base)
		if errors.Is(err, os.ErrNotExist) {
			return &backup.TargetError{Op: "open", Target: t.address, Kind: backup.ErrNotFound, Err: errors.New("the folder is not there"), Advice: "make it there: mkdir -m 700 " + t.base}
		}
		if err == nil && !info.IsDir() {
			return wrong("", "it is no folder")
		}
		return err
	})
	if err != nil {
		_ = t.Close()
		return nil, err
	}
	return t, nil
}

func either(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// readKey reads the private key that the site signs in with.
func readKey(file string) (ssh.Signer, error) {
	if file == "" {
		return nil, errors.New("the setting \"key-file\" names no file")
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s is %s: others may read the key in it; chmod 600 %s", file, info.Mode(), file)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	signer, err := ssh.ParsePrivateKey(text)
	if missing := new(ssh.PassphraseMissingError); errors.As(err, &missing) {
		return nil, fmt.Errorf("%s asks for a passphrase, and nobody is there to type it when the site backs up", file)
	}
	if err != nil {
		return nil, fmt.Errorf("%s holds no private key in OpenSSH's or PEM form", file)
	}
	return signer, nil
}

// pinned accepts the machine whose key has one of these fingerprints. Without any it shows the one that it met, and refuses.
func pinned(pins string) ssh.HostKeyCallback {
	return func(host string, _ net.Addr, key ssh.PublicKey) error {
		shown := ssh.FingerprintSHA256(key)
		all := strings.FieldsFunc(pins, func(r rune) bool { return r == ',' || r == ' ' })
		if len(all) == 0 {
			return &hostError{backup.ErrAddress, fmt.Sprintf("the setting \"host-key\" is empty; the machine that answers at %s shows the %s key %s", host, key.Type(), shown),
				"look on that machine itself (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), and when it says the same, set host-key to it"}
		}
		if slices.Contains(all, shown) {
			return nil
		}
		return &hostError{backup.ErrDenied, fmt.Sprintf("the machine that answers at %s shows the %s key %s, which is not the pinned one", host, key.Type(), shown),
			"nothing was sent; find out whether it was set up anew or another one answers before you change host-key"}
	}
}

// A hostError is a machine that was not taken for the one that is meant.
type hostError struct {
	kind        error
	why, advice string
}

func (e *hostError) Error() string { return e.why }
