package checks_test

import (
	"embed"
	"html/template"
	"time"

	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/secret"
)

// A page for each rule of room page, named after its number; 002 is one whose file is not there.

//go:embed testdata/broken testdata/roles testdata/sound testdata/static testdata/badstatic testdata/migrations testdata/badmigrations testdata/laxmigrations testdata/texts
var files embed.FS

type inner struct{ A, B string }

type brokenData struct {
	Name   string
	hidden string
	On     bool
	Number int
	When   time.Time
	Inner  inner
	Form   form.Form[newNote]
	Raw    page.HTML
}

type anyData struct{ Item any }

type markupData struct{ Text template.HTML }

type secretData struct{ Hash secret.String }

var (
	brokenPages = page.From(files, "testdata/broken")
	rolePages   = page.From(files, "testdata/roles")
)

var _ = brokenData{hidden: ""}.hidden

var _ = []any{
	page.New[brokenData](brokenPages, "002.html"),
	page.New[brokenData](brokenPages, "001.html"),
	page.New[brokenData](brokenPages, "003.html"),
	page.New[brokenData](brokenPages, "004.html"),
	page.New[anyData](brokenPages, "005.html"),
	page.New[markupData](brokenPages, "006.html"),
	page.New[secretData](brokenPages, "007.html"),
	page.New[brokenData](brokenPages, "008.html"),
	page.New[brokenData](brokenPages, "009.html"),
	page.New[brokenData](brokenPages, "010.html"),
	page.New[brokenData](brokenPages, "011.html"),
	page.New[brokenData](brokenPages, "012.html"),
	page.New[brokenData](brokenPages, "013.html"),
	page.New[brokenData](brokenPages, "014.html"),
	page.New[brokenData](brokenPages, "015.html"),
	page.New[brokenData](brokenPages, "016.html"),
	page.New[brokenData](brokenPages, "017.html"),
	page.New[brokenData](brokenPages, "018.html"),
	page.New[brokenData](brokenPages, "019.html"),
	page.New[brokenData](brokenPages, "022.html"),
	page.New[brokenData](brokenPages, "023.html"),
	page.New[brokenData](brokenPages, "024.html"),
	page.New[brokenData](brokenPages, "025.html"),
	page.New[brokenData](brokenPages, "030.html"),
	page.New[brokenData](brokenPages, "031.html"),
	page.New[brokenData](brokenPages, "032.html"),
	page.New[brokenData](brokenPages, "033.html"),
	page.New[brokenData](brokenPages, "034.html"),
	page.New[brokenData](brokenPages, "035.html"),
	page.New[brokenData](brokenPages, "036.html"),
	page.New[brokenData](brokenPages, "037.html"),
	page.New[brokenData](brokenPages, "038.html"),
	page.New[brokenData](brokenPages, "039.html"),
	page.New[brokenData](brokenPages, "040.html"),
	page.New[brokenData](brokenPages, "041.html"),
	page.New[brokenData](brokenPages, "042.html"),
	page.New[brokenData](brokenPages, "043.html"),
	page.New[brokenData](brokenPages, "044.html"),
	page.New[brokenData](brokenPages, "045.html"),
	page.New[brokenData](brokenPages, "046.html"),
	page.New[brokenData](brokenPages, "047.html"),
	page.New[brokenData](brokenPages, "048.html"),
	page.New[brokenData](brokenPages, "049.html"),
	page.New[brokenData](brokenPages, "050.html"),
	page.New[brokenData](brokenPages, "051.html"),
	page.New[brokenData](brokenPages, "052.html"),
	page.New[brokenData](brokenPages, "053.html"),
	page.New[brokenData](brokenPages, "054.html"),
	page.New[brokenData](brokenPages, "055.html"),
	page.New[brokenData](brokenPages, "056.html"),
	page.New[brokenData](brokenPages, "057.html"),
	page.New[brokenData](brokenPages, "060.html"),
	page.New[brokenData](brokenPages, "links.html"),
	page.New[notesData](rolePages, "notes.html"),
	page.New[brokenData](brokenPages, "scripts.html"),
}

// pageRules are the rules that the pages break, by their numbers.
var pageRules = []string{"002", "001", "003", "004", "005", "006", "007", "008", "009", "010", "011", "012", "013", "014", "015", "016", "017", "018", "019", "022", "023", "024", "025", "030", "031", "032", "033", "034", "035", "036", "037", "038", "039", "040", "041", "042", "043", "044", "045", "046", "047", "048", "049", "050", "051", "052", "053", "054", "055", "056", "057", "060"}
