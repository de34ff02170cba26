package static

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/internal/place"
)

// read reads the files and tells their places as those of the program's sources.
func (f *Files) read(fsys fs.FS, skip func(full string) bool) *state {
	s := read(fsys, f.dir, f.Prefix(), f.name, skip)
	for i, fault := range s.faults {
		s.faults[i].Where = place.In(f.home, fault.Where)
	}
	for i, t := range s.inline {
		s.inline[i].where = place.In(f.home, t.where)
	}
	return s
}

// read reads the files below dir and gives each its addresses. Style sheets come last, in the order of their references,
// since their hash covers the addresses that they name. Skip, which may be nil, leaves files out.
func read(fsys fs.FS, dir, prefix, name string, skip func(full string) bool) *state {
	s := &state{byName: map[string]*file{}, byAddress: map[string]*answer{}}
	if !prefixName.MatchString(name) {
		s.faults = append(s.faults, RuleName.Finding(dir, fmt.Sprintf("files served under %q", prefix), "serve them under plain segments of a-z, 0-9, - and _"))
		return s
	}
	raw := map[string][]byte{}
	total := 0
	err := fs.WalkDir(fsys, dir, func(full string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if skip != nil && skip(full) {
			return nil
		}
		rel := strings.TrimPrefix(full, dir+"/")
		if len(raw) == MaxCount {
			return errTooMany
		}
		kind, fault := admit(rel, d)
		if fault != nil {
			fault.Where = full
			s.faults = append(s.faults, *fault)
			return nil
		}
		content, err := fs.ReadFile(fsys, full)
		if err != nil {
			return err
		}
		if total += len(content); total > MaxTotal {
			return errTooLarge
		}
		if fault := kind.judge(content); fault != nil {
			fault.Where = full
			s.faults = append(s.faults, *fault)
			return nil
		}
		raw[rel] = content
		return nil
	})
	switch {
	case errors.Is(err, errTooMany):
		s.faults = append(s.faults, RuleSize.Finding(dir, fmt.Sprintf("more than %d files", MaxCount), "leave out what no page uses"))
	case errors.Is(err, errTooLarge):
		s.faults = append(s.faults, RuleSize.Finding(dir, fmt.Sprintf("more than %d MiB", MaxTotal>>20), "serve large files from a server of their own"))
	case err != nil:
		s.faults = append(s.faults, RuleMissing.Finding(dir, err.Error(), "name a folder that //go:embed takes up"))
	}

	names := make([]string, 0, len(raw))
	all := sha256.New()
	for n := range raw {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		sum := sha256.Sum256(raw[n])
		fmt.Fprintf(all, "%q %x\n", n, sum)
		if kind := kindOf(n); !kind.css {
			s.add(prefix, n, kind, raw[n])
		}
	}
	all.Sum(s.sum[:0])
	l := &linker{state: s, raw: raw, dir: dir, prefix: prefix}
	for _, n := range names {
		if kindOf(n).css {
			l.link(n)
		}
	}
	return s
}

var (
	errTooMany  = errors.New("too many files")
	errTooLarge = errors.New("too large")
)

// admit judges a file by its name and kind of entry.
func admit(rel string, d fs.DirEntry) (*kind, *check.Finding) {
	fault := func(r check.Rule, what, do string) (*kind, *check.Finding) {
		f := r.Finding("", what, do)
		return nil, &f
	}
	if !d.Type().IsRegular() {
		return fault(RuleName, "no regular file", "put the file itself there")
	}
	for part := range strings.SplitSeq(rel, "/") {
		if strings.HasPrefix(part, ".") {
			return fault(RuleName, "hidden file", "take it out of the folder, or the all: out of the go:embed line")
		}
		if !plainName(part) {
			return fault(RuleName, "file name with odd letters", "name it with letters, digits, - _ and single dots, so that its address needs no escapes")
		}
	}
	k := kindOf(rel)
	if k == nil {
		ext := path.Ext(rel)
		switch strings.ToLower(ext) {
		case ".html", ".htm", ".xhtml", ".xml", ".xsl", ".xht", ".shtml":
			return fault(RuleType, fmt.Sprintf("file of type %q, which browsers show as a page", ext), "make it a page of the site, where it has a policy")
		case "":
			return fault(RuleType, "file without an extension", "name its type by one of "+knownTypes)
		}
		if lower := strings.ToLower(ext); lower != ext && kindOf("x"+lower) != nil {
			return fault(RuleType, fmt.Sprintf("extension %q in capitals", ext), fmt.Sprintf("write it as %q", lower))
		}
		return fault(RuleType, fmt.Sprintf("file of type %q", ext), "use one of "+knownTypes)
	}
	return k, nil
}

func plainName(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.') {
			return false
		}
	}
	return s != "" && len(s) <= 200 && !strings.Contains(s, "..") && !strings.HasSuffix(s, ".")
}

// judge judges a file by its content.
func (k *kind) judge(content []byte) *check.Finding {
	var f check.Finding
	switch {
	case len(content) > MaxFile:
		f = RuleSize.Finding("", fmt.Sprintf("%d MiB", len(content)>>20), fmt.Sprintf("keep a file to %d MiB; serve larger ones from a server of their own", MaxFile>>20))
	case len(content) > 0 && !k.fits(content):
		f = RuleType.Finding("", fmt.Sprintf("content that is no %s", k.contentType[0]), "check the file: a pointer of git-lfs and a saved error page look like this")
	case k.text && !utf8.Valid(content):
		f = RuleType.Finding("", "text that is not UTF-8", "convert it: the answer says charset=utf-8")
	default:
		return nil
	}
	return &f
}

// add gives a file its addresses.
func (s *state) add(prefix, name string, k *kind, content []byte) *file {
	sum := sha256.Sum256(content)
	hash := hex.EncodeToString(sum[:8])
	before, after := stem(name)
	f := &file{
		name: name, kind: k, content: content,
		address:   prefix + before + "." + hash + after,
		integrity: "sha256-" + base64.StdEncoding.EncodeToString(sum[:]),
		plain:     representation{content, []string{`"` + hash + `"`}, []string{strconv.Itoa(len(content))}},
	}
	s.byName[name] = f
	for _, a := range []struct {
		address   string
		immutable bool
	}{{prefix + name, false}, {f.address, true}} {
		if other := s.byAddress[a.address]; other != nil && !bytes.Equal(other.file.content, content) {
			s.faults = append(s.faults, RuleName.Finding(path.Join(path.Clean(strings.Trim(prefix, "/")), name), fmt.Sprintf("the address %s is also that of %s", a.address, other.file.name), "rename one of them"))
			continue
		}
		s.byAddress[a.address] = &answer{f, a.immutable}
	}
	return f
}
