package page_test

import (
	"bytes"
	"html/template"
	"strconv"
	"testing"

	"github.com/merlon-web/merlon/page"
)

type benchNote struct {
	ID             int64
	Author         string
	Title          string
	Text           string
	Votes, Replies int64
	Done, Pinned   bool
}

type benchPage struct {
	User  string
	Notes []benchNote
}

const benchSource = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Notes</title>
</head>
<body>
<header>
<p>Signed in as <strong>{{.User}}</strong></p>
</header>
<main>
<h1>Notes</h1>
<ul>
{{range .Notes}}<li id="note-{{.ID}}">
<h2><a href="/notes/{{.ID}}">{{.Title}}</a>{{if .Done}} <strong>done</strong>{{end}}</h2>
<p>By <a href="/people/{{.Author}}" title="{{.Author}}">{{.Author}}</a>, {{.Votes}} votes, {{.Replies}} replies{{if .Pinned}} <em>pinned</em>{{end}}</p>
<p>{{.Text}}</p>
<p><a href="/notes/{{.ID}}/edit">Edit</a> <a href="/notes/{{.ID}}/history">History</a></p>
</li>
{{end}}</ul>
</main>
</body>
</html>
`

func benchData() benchPage {
	d := benchPage{User: "visitor 00042"}
	words := []string{"wall", "gate & tower", "stone", "bridge <b>keep</b>", "moat arrow", "für 3 < 4 Bögen", "lantern bell river"}
	for i := range 50 {
		d.Notes = append(d.Notes, benchNote{ID: int64(i + 1), Author: "author" + strconv.Itoa(i%7), Title: words[i%7] + " " + words[(i*3)%7],
			Text: words[(i*5)%7] + " in the morning and " + words[(i*2)%7], Votes: int64(i * 37), Replies: int64(i), Done: i%3 == 0, Pinned: i%7 == 0})
	}
	return d
}

func BenchmarkAppend50(b *testing.B) {
	files := page.FilesOf(map[string]string{"n.html": benchSource})
	p := page.NewNamed[benchPage](files, "n.html")
	set, faults := page.Compile(page.Options{}, files)
	if len(faults) > 0 {
		b.Fatal(faults)
	}
	data, r := benchData(), &page.Render{}
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if dst, err = page.Append(dst[:0], set, p, data, r); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(dst)))
}

func BenchmarkHTMLTemplate50(b *testing.B) {
	tm := template.Must(template.New("n").Parse(benchSource))
	data := benchData()
	var buf bytes.Buffer
	b.ReportAllocs()
	for b.Loop() {
		buf.Reset()
		if err := tm.Execute(&buf, data); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(buf.Len()))
}

// BenchmarkByHand50 is the same page written by a careful programmer: the measure of the compiled one.
func BenchmarkByHand50(b *testing.B) {
	data := benchData()
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = byHand(dst[:0], &data)
	}
	b.SetBytes(int64(len(dst)))
}

func byHand(dst []byte, p *benchPage) []byte {
	dst = append(dst, `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Notes</title>
</head>
<body>
<header>
<p>Signed in as <strong>`...)
	dst = handText(dst, p.User)
	dst = append(dst, `</strong></p>
</header>
<main>
<h1>Notes</h1>
<ul>
`...)
	for i := range p.Notes {
		n := &p.Notes[i]
		dst = append(dst, `<li id="note-`...)
		dst = strconv.AppendInt(dst, n.ID, 10)
		dst = append(dst, "\">\n<h2><a href=\"/notes/"...)
		dst = strconv.AppendInt(dst, n.ID, 10)
		dst = append(dst, `">`...)
		dst = handText(dst, n.Title)
		dst = append(dst, `</a>`...)
		if n.Done {
			dst = append(dst, ` <strong>done</strong>`...)
		}
		dst = append(dst, "</h2>\n<p>By <a href=\"/people/"...)
		dst = handSegment(dst, n.Author)
		dst = append(dst, `" title="`...)
		dst = handText(dst, n.Author)
		dst = append(dst, `">`...)
		dst = handText(dst, n.Author)
		dst = append(dst, `</a>, `...)
		dst = strconv.AppendInt(dst, n.Votes, 10)
		dst = append(dst, ` votes, `...)
		dst = strconv.AppendInt(dst, n.Replies, 10)
		dst = append(dst, ` replies`...)
		if n.Pinned {
			dst = append(dst, ` <em>pinned</em>`...)
		}
		dst = append(dst, "</p>\n<p>"...)
		dst = handText(dst, n.Text)
		dst = append(dst, "</p>\n<p><a href=\"/notes/"...)
		dst = strconv.AppendInt(dst, n.ID, 10)
		dst = append(dst, `/edit">Edit</a> <a href="/notes/`...)
		dst = strconv.AppendInt(dst, n.ID, 10)
		dst = append(dst, "/history\">History</a></p>\n</li>\n"...)
	}
	return append(dst, "</ul>\n</main>\n</body>\n</html>\n"...)
}

func handText(dst []byte, s string) []byte {
	from := 0
	for i := 0; i < len(s); i++ {
		var escaped string
		switch s[i] {
		case '&':
			escaped = "&amp;"
		case '<':
			escaped = "&lt;"
		case '>':
			escaped = "&gt;"
		case '"':
			escaped = "&#34;"
		case '\'':
			escaped = "&#39;"
		case '+':
			escaped = "&#43;"
		case 0:
			escaped = "\uFFFD"
		default:
			continue
		}
		dst = append(dst, s[from:i]...)
		dst = append(dst, escaped...)
		from = i + 1
	}
	return append(dst, s[from:]...)
}

func handSegment(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	for i := 0; i < len(s); i++ {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.' || c == '~' {
			dst = append(dst, c)
			continue
		}
		dst = append(dst, '%', hex[c>>4], hex[c&15])
	}
	return dst
}

// The three write the same bytes.
func TestBenchmarksAgree(t *testing.T) {
	files := page.FilesOf(map[string]string{"n.html": benchSource})
	p := page.NewNamed[benchPage](files, "n.html")
	data := benchData()
	var got, want bytes.Buffer
	if err := p.Execute(&got, data); err != nil {
		t.Fatal(err)
	}
	if err := template.Must(template.New("n").Parse(benchSource)).Execute(&want, data); err != nil {
		t.Fatal(err)
	}
	if got.String() != want.String() {
		t.Error("the page differs from html/template")
	}
	if hand := byHand(nil, &data); string(hand) != want.String() {
		t.Error("the page by hand differs from html/template")
	}
}

// BenchmarkCompile compiles a page with its layout, as a start does for each page.
func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, faults := page.Compile(withFiles, pages); len(faults) > 0 {
			b.Fatal(faults)
		}
	}
}

// BenchmarkData50 encodes fifty rows as a JSON data block.
func BenchmarkData50(b *testing.B) {
	files := page.FilesOf(map[string]string{"n.html": `<script type="application/json" id="d">{{data .Notes}}</script>`})
	p := page.NewFragmentNamed[benchPage](files, "n.html")
	set, data, r := mustCompile(b, page.Options{}, files), benchData(), &page.Render{}
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst, _ = page.Append(dst[:0], set, p, data, r)
	}
	b.SetBytes(int64(len(dst)))
}

// BenchmarkMethods50 calls methods, formats and compares in each of fifty rows.
func BenchmarkMethods50(b *testing.B) {
	files := page.FilesOf(map[string]string{"n.html": `{{range $i, $n := .Notes}}<li class="{{if gt .Votes 100}}many{{end}}">{{$i}} {{.Heading}} {{printf "%d of %s" .Votes .Author}} <a href="/people/{{.Author}}?n={{.Title}}">{{.Title}}</a></li>{{end}}`})
	p := page.NewFragmentNamed[benchPage](files, "n.html")
	set, data, r := mustCompile(b, page.Options{}, files), benchData(), &page.Render{}
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst, _ = page.Append(dst[:0], set, p, data, r)
	}
}

func (n benchNote) Heading() string { return n.Title }
