package merlon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/merlon-web/merlon/check"
)

// The marks of a data folder beside that of maintenance: whose data it is, and that it was filled with data to try.
const (
	siteFile = "site"
	demoFile = "demo.json" // points of a backup carry it, as they do all JSON of the folder
)

// maxMark is how much of a mark is read, in bytes.
const maxMark = 64 << 10

// readMark returns what a mark holds; a mark that is not there holds nothing.
func (s *Site) readMark(name string) ([]byte, error) {
	path := filepath.Join(s.env.Data, name)
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxMark {
		return nil, fmt.Errorf("%s is no file that a site wrote", path)
	}
	return os.ReadFile(path)
}

// ownData refuses the data of another site, and marks a folder that has no mark yet as this site's.
func (s *Site) ownData() error {
	if s.name == "" {
		return nil
	}
	was, err := s.readMark(siteFile)
	if err != nil {
		return fmt.Errorf("merlon: data folder: %w", err)
	}
	switch string(was) {
	case s.name + "\n":
		return nil
	case "":
		return os.WriteFile(filepath.Join(s.env.Data, siteFile), []byte(s.name+"\n"), 0o600)
	}
	return RuleOtherSite.Finding(s.env.Data, fmt.Sprintf("the folder holds the data of the site %.40q, and this is %q", bytes.TrimSpace(was), s.name),
		"name another folder: --data DIR; if the site was renamed, remove the file "+siteFile+" in it")
}

// markDemo keeps what [Site.Demo] said, so that it can be said again, and production refuses the folder.
func (s *Site) markDemo(lines [][2]string) error {
	text, err := json.Marshal(lines)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.env.Data, demoFile), append(text, '\n'), 0o600)
}

// DemoLines returns what [Site.Demo] said when it filled the data that is there, nil if it did not.
func (s *Site) DemoLines() (lines [][2]string) {
	if text, err := s.readMark(demoFile); err == nil {
		_ = json.Unmarshal(text, &lines) // what somebody edited is not told
	}
	return lines
}

// checkDemo finds data to try a site with, whose passwords are in the program's text.
func (s *Site) checkDemo(context.Context) []check.Finding {
	if _, err := os.Lstat(filepath.Join(s.env.Data, demoFile)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return []check.Finding{RuleDemo.Finding(filepath.Base(s.env.Data), "the data were filled in by serve --demo",
		"begin with a new folder; or delete each of its accounts (user delete; the last administrator with --last-admin), then the file "+demoFile+" in the folder")}
}
