// Package page compiles html/template's language against the type of a page's data at start, and prints pages by appending
// to a byte slice.
//
// A page is a file of the program (embed.FS). [Compile] reads it with text/template/parse, walks the HTML between its
// actions as a browser's tokenizer does, and gives each action the sink of its place from an allow-list of (element,
// attribute). What it cannot prove safe does not start: an action in a script, a style, an event handler, a tag or
// attribute name, an unquoted or unknown attribute; markup that is not well nested; a name that the data lacks; data of
// interface type. The finding has file, line, column and the way out. A page that starts has one tree of elements and
// attribute names, whatever its data: only its own if, with and range choose.
//
// What it prints is html/template's output byte for byte, as far as both languages go. It differs where Merlon adds
// something (the hidden field of a form, rel of a foreign link, fingerprint and integrity of a static file, the prefix of
// an id), where an address is refused ("#refused"), and in constant scripts and styles, which are printed as written.
//
// The language is that of text/template, with and, or, not, len, index, slice, eq, ne, lt, le, gt, ge, print, printf and
// println, and:
//
//	{{fields .Form}}  {{field .Form "Text"}}  {{problems .Form}}   a form.Form, printed by room form
//	{{text "id" .Name}}                                            a message of the catalogue, in the visitor's language
//	data-merlon-token="{{token "/votes"}}"                         a script's token for a route that takes JSON
//	{{data .X}}                                                    the whole of a <script type="application/json">
//	{{$site.User}}                                                 the [Frame]
//
// Whole structs, maps and pointers are not printed; a format is constant and fits its arguments; html, js, urlquery and call
// do not exist.
//
// A page is printed by steps over the offsets of its data: without reflection, and without an allocation per value, but for
// maps other than map[string]string, iterators, methods with arguments other than one text or number, and what the site's
// own methods allocate.
//
// It does not protect from a script of your own that writes data into markup, from what a method called by a page does,
// and from [InsecureHTML].
package page

// constant is the type of what must be written in the program's source: only an untyped constant fits it.
type constant string
