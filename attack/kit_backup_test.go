package attack_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdh"
	"crypto/hpke"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/merlon-web/merlon/attack"
)

// kitBackup are the kit's copies: all that it keeps, sealed to a key whose private half the kit never has.
type kitBackup struct {
	k     *kit
	place string
	to    hpke.PublicKey
	key   hpke.PrivateKey // the owner's; with the hole keybeside in the kit's folder too
	made  int
	last  string
}

func newKitBackup(t *testing.T, k *kit) *kitBackup {
	t.Helper()
	key, err := hpke.DHKEM(ecdh.X25519()).GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	b := &kitBackup{k: k, place: t.TempDir(), to: key.PublicKey(), key: key}
	if k.hole["keybeside"] {
		if err := os.WriteFile(filepath.Join(k.dir, "settings.conf"), []byte("mail = info@kit.test\nbackup.key = "+b.secret()+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func (b *kitBackup) secret() string {
	raw, err := b.key.Bytes()
	if err != nil {
		panic(err)
	}
	return hex.EncodeToString(raw)
}

func (b *kitBackup) backups() *attack.Backups {
	all := &attack.Backups{Make: func(context.Context) error { return b.make() }, Data: b.k.dir, Place: b.place, Restore: func(_ context.Context, into, key string) error { return b.restore(into, key) }, Key: b.secret(), Apart: !b.k.hole["samedisk"],
		Rehearsed: func() time.Time {
			if b.k.hole["undrilled"] {
				return time.Now().Add(-9 * 24 * time.Hour)
			}
			return time.Now().Add(-time.Hour)
		},
		Delete: func(name string) error {
			if b.k.hole["deletable"] {
				return os.Remove(filepath.Join(b.place, name))
			}
			return errors.New("the place keeps it for 35 days")
		}}
	return all
}

func (b *kitBackup) make() error {
	if b.k.hole["nocopy"] {
		return nil
	}
	all := map[string]string{"rows.txt": b.k.state()}
	files, err := os.ReadDir(b.k.dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		if b.k.hole["filesleft"] {
			break
		}
		file, err := os.ReadFile(filepath.Join(b.k.dir, f.Name()))
		if err != nil {
			return err
		}
		all[f.Name()] = string(file)
	}
	copied, err := json.Marshal(all)
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err = z.Write(copied)
	if err := errors.Join(err, z.Close()); err != nil {
		return err
	}
	sealed := packed.Bytes()
	if !b.k.hole["plaincopy"] {
		if sealed, err = hpke.Seal(b.to, hpke.HKDFSHA256(), hpke.AES256GCM(), nil, sealed); err != nil {
			return err
		}
	}
	b.made++
	b.last = fmt.Sprintf("kit-%d.bin", b.made)
	return os.WriteFile(filepath.Join(b.place, b.last), sealed, 0o400)
}

func (b *kitBackup) restore(into, key string) error {
	packed, err := os.ReadFile(filepath.Join(b.place, b.last))
	if err != nil {
		return err
	}
	if !b.k.hole["plaincopy"] {
		raw, err := hex.DecodeString(key)
		if err != nil {
			return err
		}
		own, err := hpke.DHKEM(ecdh.X25519()).NewPrivateKey(raw)
		if err != nil {
			return err
		}
		if packed, err = hpke.Open(own, hpke.HKDFSHA256(), hpke.AES256GCM(), nil, packed); err != nil {
			if b.k.hole["cutcopy"] {
				return nil // "restored what could be"
			}
			return err
		}
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return err
	}
	copied, err := io.ReadAll(z)
	if err != nil {
		return err
	}
	var all map[string]string
	if err := json.Unmarshal(copied, &all); err != nil {
		return err
	}
	for name, file := range all {
		if err := os.WriteFile(filepath.Join(into, name), []byte(file), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// TestBackupsAreNotCalledClean: where nobody tells of backups, the class says that it did not look.
func TestBackupsAreNotCalledClean(t *testing.T) {
	k := newKit(t)
	p := k.profile()
	p.Backups = nil
	report, err := attack.Probe(t.Context(), k, p, attack.Options{Classes: []string{"backup"}})
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := report.Text(&text); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(text.Bytes(), []byte("OPEN  backup")) || !bytes.Contains(text.Bytes(), []byte("not reached: backups: nobody told of any")) {
		t.Errorf("the report says\n%s", &text)
	}
}
