package main

import "strconv"

// appendPage is the reference page written by hand: what a careful programmer writes who has nothing else to do. It is the
// measure of the compiled pages, not a proposal: a value that is appended without appendText is a hole that nothing finds.
func appendPage(dst []byte, p *NotesPage) []byte {
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
	dst = appendText(dst, p.User)
	dst = append(dst, `</strong></p>
<form method="post" action="/seen">`...)
	dst = appendHidden(dst, p.Token)
	dst = append(dst, `<button>Mark all as seen</button></form>
</header>
<main>
<h1>Notes</h1>
<ul>
`...)
	for i := range p.Notes {
		n := &p.Notes[i]
		dst = append(dst, `<li id="note-`...)
		dst = strconv.AppendInt(dst, n.ID, 10)
		dst = append(dst, `">
<h2><a href="/notes/`...)
		dst = strconv.AppendInt(dst, n.ID, 10)
		dst = append(dst, `">`...)
		dst = appendText(dst, n.Title)
		dst = append(dst, `</a>`...)
		if n.Done {
			dst = append(dst, ` <strong>done</strong>`...)
		}
		dst = append(dst, `</h2>
<p>By <a href="/people/`...)
		dst = appendSegment(dst, n.Author)
		dst = append(dst, `" title="`...)
		dst = appendText(dst, n.Author)
		dst = append(dst, `">`...)
		dst = appendText(dst, n.Author)
		dst = append(dst, `</a>, `...)
		dst = strconv.AppendInt(dst, n.Votes, 10)
		dst = append(dst, ` votes, `...)
		dst = strconv.AppendInt(dst, n.Replies, 10)
		dst = append(dst, ` replies`...)
		if n.Pinned {
			dst = append(dst, ` <em>pinned</em>`...)
		}
		dst = append(dst, `</p>
<p>`...)
		dst = appendText(dst, n.Text)
		dst = append(dst, `</p>
<p><a href="/notes/`...)
		dst = strconv.AppendInt(dst, n.ID, 10)
		dst = append(dst, `/edit">Edit</a> <a href="/notes/`...)
		dst = strconv.AppendInt(dst, n.ID, 10)
		dst = append(dst, `/history">History</a></p>
</li>
`...)
	}
	dst = append(dst, `</ul>
<form method="post" action="/notes">`...)
	dst = appendHidden(dst, p.Token)
	return append(dst, `<p><label for="text">Your note</label> <textarea id="text" name="Text" maxlength="500" required></textarea></p>
<button>Add the note</button></form>
</main>
</body>
</html>
`...)
}

func appendHidden(dst []byte, token string) []byte {
	if token == "" {
		return dst
	}
	dst = append(dst, `<input type="hidden" name="csrf_token" value="`...)
	dst = appendText(dst, token)
	return append(dst, `">`...)
}

// textEscapes are what html/template writes for a byte in text and in quoted attributes; "" is the byte itself.
var textEscapes = [256]string{0: "\uFFFD", '&': "&amp;", '<': "&lt;", '>': "&gt;", '"': "&#34;", '\'': "&#39;", '+': "&#43;"}

func appendText(dst []byte, s string) []byte {
	from := 0
	for i := 0; i < len(s); i++ {
		if e := textEscapes[s[i]]; e != "" {
			dst = append(dst, s[from:i]...)
			dst = append(dst, e...)
			from = i + 1
		}
	}
	return append(dst, s[from:]...)
}

// appendSegment appends s as one segment of a path: what is neither letter, digit nor one of -_.~ is percent-encoded.
func appendSegment(dst []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
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
