package backup

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/merlon-web/merlon/internal/qr"
)

// A Kit is what the owner keeps on paper: with it alone a machine that never saw the site gets it back.
type Kit struct {
	Title   string // the site's name
	Site    string // its id
	Target  string // where its points are
	Options Settings
	Made    time.Time

	recovery *Recovery
}

//go:embed kit.html
var kitPage string

var kitTemplate = template.Must(template.New("kit").Parse(kitPage))

// Recovery is the key on the kit.
func (k *Kit) Recovery() *Recovery { return k.recovery }

// maxCode bounds the text in the kit's QR code, in bytes: what has more is too fine for a camera at the size at which it is printed.
const maxCode = 800

// Code is what the kit's QR code holds: key and address, which site it is there, and the settings of the place if they fit.
func (k *Kit) Code() string {
	text := "merlon-recovery 1\n" + k.recovery.Reveal() + "\n" + k.Target + "\n" + k.Site + "\n"
	if whole := text + k.settings(); len(whole) <= maxCode {
		return whole
	}
	return text
}

// settings are the lines of the place's settings.
func (k *Kit) settings() string {
	var b strings.Builder
	for _, name := range sortedNames(k.Options) {
		fmt.Fprintf(&b, "setting   %s=%s\n", name, k.Options[name])
	}
	return b.String()
}

// kitFacts is what the kit says, as page and as text.
type kitFacts struct {
	*Kit
	Key, KeyFingerprint, RootFingerprint, Day string
	Set                                       [][2]string
	QR                                        qr.Code
	Spare                                     bool // the code is without the settings
}

func (k *Kit) facts() (kitFacts, error) {
	if err := kitSettings(k.Options); err != nil {
		return kitFacts{}, err
	}
	f := kitFacts{Kit: k, Key: groups(k.recovery.Reveal(), 8), KeyFingerprint: Fingerprint(k.recovery.Recipient()), RootFingerprint: Fingerprint(string(k.recovery.Root())),
		Day: k.Made.Format(time.DateOnly)}
	for _, name := range sortedNames(k.Options) {
		f.Set = append(f.Set, [2]string{name, k.Options[name]})
	}
	return f, nil
}

// HTML returns the kit as one page to print: no script, nothing that is fetched.
func (k *Kit) HTML() ([]byte, error) {
	f, err := k.facts()
	if err != nil {
		return nil, err
	}
	text := k.Code()
	f.Spare = !strings.HasSuffix(text, k.settings())
	if f.QR, err = qr.Draw(text); err != nil {
		return nil, fmt.Errorf("backup: the kit's code: %w", err)
	}
	var b bytes.Buffer
	if err := kitTemplate.Execute(&b, f); err != nil {
		return nil, fmt.Errorf("backup: the kit: %w", err)
	}
	return b.Bytes(), nil
}

// Text returns the kit as plain text.
func (k *Kit) Text() ([]byte, error) {
	f, err := k.facts()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `RECOVERY KIT OF %s

Who has this sheet can open every backup of the site. Keep two copies, in two places,
neither of them with the server.

recovery key
%s

target    %s
site      %s
`, f.Title, f.Key, f.Target, f.Site)
	b.WriteString(k.settings())
	fmt.Fprintf(&b, `made      %s

fingerprint of the key    %s
fingerprint of the root   %s

Once a month: on a machine of yours, with no network,
  merlon recovery prove HEADER-FILE        and on the server: backup verify --proof CODE
To get the site back, on any machine with the site's program:
  restore latest --live --confirm-site %s
Without Merlon, with the key in typed.txt as it stands above, in groups:
  go install filippo.io/age/cmd/age@v1.3.2
  tr -d ' ' <typed.txt >key.txt
  age -d -i key.txt data-….age | zstd -d | tar x

To read the store you need an account there. Write down here how you get one
if yours is lost:

________________________________________________________________________
`, f.Day, f.KeyFingerprint, f.RootFingerprint, f.Title)
	return b.Bytes(), nil
}

// kitFiles are the names of the page and of the text beside it, for a path with the ending of either or of none.
func kitFiles(path string) (page, text string) {
	if end := filepath.Ext(path); end == ".html" || end == ".txt" {
		path = strings.TrimSuffix(path, end)
	}
	return path + ".html", path + ".txt"
}

// write writes both forms, readable by their owner only, or none. It overwrites nothing.
func (k *Kit) write(path string) (err error) {
	page, err := k.HTML()
	if err != nil {
		return err
	}
	plain, err := k.Text()
	if err != nil {
		return err
	}
	pageFile, textFile := kitFiles(path)
	var made []string
	defer func() {
		if err != nil { // a half would be taken for a kit
			for _, name := range made {
				err = errors.Join(err, os.Remove(name))
			}
		}
	}()
	for name, text := range map[string][]byte{pageFile: page, textFile: plain} {
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return fmt.Errorf("backup: the kit cannot be written: %w: name a file that is not there, in a folder that is", err)
		}
		made = append(made, name)
		_, err = f.Write(text)
		if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
			return fmt.Errorf("backup: the kit cannot be written: %w: nothing of it is left; name a file on another disk", err)
		}
	}
	return syncFolder(filepath.Dir(path))
}

// besidePoints reports whether a path lies in the folder that the points go to.
func besidePoints(target, path string) bool {
	u, err := url.Parse(target)
	return err == nil && u.Scheme == fileScheme.Name && inside(filepath.FromSlash(u.Path), path)
}

// inside reports whether a path lies in a folder.
func inside(folder, path string) bool {
	real := func(p string) string {
		if abs, err := filepath.Abs(p); err == nil {
			p = abs
		}
		if dir, err := filepath.EvalSymlinks(filepath.Dir(p)); err == nil {
			p = filepath.Join(dir, filepath.Base(p))
		}
		return p
	}
	rel, err := filepath.Rel(real(folder), real(path))
	return err == nil && filepath.IsLocal(rel)
}
