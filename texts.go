package merlon

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/internal/text"
)

// Texts are a site's own texts, in one file a language: see [TextsFrom]. The zero Texts are none.
type Texts struct {
	fsys embed.FS
	dir  string
}

// TextsFrom declares a site's own texts: the files en.json, de.json … in a folder, each an object of ids and messages. A
// message is a text with places {0}, {1} …, or has a text for each plural form that its language has (CLDR):
//
//	{
//		"club.title": "The sailing club",
//		"club.members": {"one": "One member", "other": "{0} members"}
//	}
//
// Every language has the same ids with the same places; what differs does not start, with file and line. The languages of
// the files are those that the site answers in, each visitor in the one that his Accept-Language asks for, others in
// Config.Lang. It may be one that Merlon lacks: Merlon's own messages are English there. An id of Merlon's replaces its
// message: "account.password.help".
//
// A page shows a message by {{text "club.members" (len .Members)}}, a handler by [Read.Say] and [Response.NoticeText], and
// the labels, helps and choices of a form's struct, and what its Validate says, are looked up by their words: a message whose
// id ends in .label, .help or .problem, and that reads so in Config.Lang.
func TextsFrom(fsys embed.FS, dir constant) Texts { return Texts{fsys, path.Clean(string(dir))} }

// addTexts reads the site's texts, and puts them over Merlon's own.
func (s *Site) addTexts() {
	s.words = text.Own()
	if s.cfg.Texts.dir != "" {
		s.readTexts()
	}
	s.formTexts = map[string]*form.Render{}
	for _, lang := range s.words.Langs() {
		s.formTexts[lang] = &form.Render{
			Text: func(id string, args ...any) string { return s.words.Format(lang, id, args...) },
			Author: func(words string) string {
				words, _ = s.words.Translate(lang, words)
				return words
			},
		}
	}
}

// textsRead keeps the catalogues of this process without faults: one for each Texts and language that a program declares.
var textsRead sync.Map // textsKey → *text.Catalogue

type textsKey struct {
	Texts
	lang string
}

func (s *Site) readTexts() {
	t := s.cfg.Texts
	if all, ok := textsRead.Load(textsKey{t, s.lang}); ok {
		s.words = all.(*text.Catalogue)
		s.several = len(s.words.Langs()) > 1
		return
	}
	files, err := fs.Sub(t.fsys, t.dir)
	if err == nil {
		var own, all *text.Catalogue
		if own, err = text.Read(files, s.lang); err == nil {
			if all, err = own.Over(text.Own()); err == nil {
				s.words, s.several = all, len(all.Langs()) > 1
				textsRead.Store(textsKey{t, s.lang}, all)
				return
			}
		}
	}
	for _, e := range split(err) {
		s.fault(t.finding(e))
	}
	s.noWords = true
}

// message is what pages are compiled with. While the site's own texts have a fault, no page is told that it lacks one.
func (s *Site) message(lang, id string) (string, bool) {
	words, ok := s.words.Message(lang, id)
	return words, ok || s.noWords
}

// split takes joined errors apart.
func split(err error) []error {
	var many interface{ Unwrap() []error }
	if !errors.As(err, &many) {
		return []error{err}
	}
	var all []error
	for _, e := range many.Unwrap() {
		all = append(all, split(e)...)
	}
	return all
}

// finding finds the line of what room text says of a file and an id.
func (t Texts) finding(err error) check.Finding {
	where, what := t.dir, err.Error()
	if file, rest, ok := strings.Cut(what, ": "); ok && strings.HasSuffix(file, ".json") {
		where, what = path.Join(t.dir, file), rest
		id, _, _ := strings.Cut(strings.ReplaceAll(rest, ": ", " "), " ")
		if b, err := fs.ReadFile(t.fsys, where); err == nil {
			if at := strings.Index(string(b), fmt.Sprintf("%q", id)); at >= 0 {
				where += fmt.Sprintf(":%d", strings.Count(string(b[:at]), "\n")+1)
			}
		}
	}
	what, do, ok := cutLast(what, "; ")
	if !ok {
		do = "see merlon.TextsFrom"
	}
	return RuleTexts.Finding(where, what, do)
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// RuleTexts is the fault of a catalogue.
var RuleTexts = check.Rule{ID: "MRL-TEXT-001", Property: check.Availability, Severity: check.High,
	Title:  "a catalogue of texts that cannot be used",
	Why:    "a text that one language lacks, or that has other places there, would be missed by its readers only",
	Attack: "No attack: a page with an empty heading, or with another's number in the sentence.",
	Wrong:  `en.json: {"club.hello": "Hello {0}"}    de.json: {"club.helo": "Hallo"}`,
	Right:  `en.json: {"club.hello": "Hello {0}"}    de.json: {"club.hello": "Hallo {0}"}`,
	Source: "WCAG 2.2 3.1.2; Unicode CLDR plural rules"}

// Say returns a message of the site's texts, or of Merlon's own, in the visitor's language, with the arguments in its
// places; of a message with plural forms the first one chooses. The id is a constant: a text from outside is an argument.
// One that no catalogue has panics in development and in tests, and stands as it is in production.
func (f *facts) Say(id constant, args ...any) string { return f.w.sayOwn(string(id), args) }

// Words is [Read.Say] for parts, which compute their ids.
func (f *facts) Words(id string, args ...any) string { return f.w.say(id, args...) }

func (w *walk) sayOwn(id string, args []any) string {
	if ids := w.site.words.IDs; w.site.env.Mode == Development || w.site.env.Mode == Test {
		if _, known := slices.BinarySearch(ids(), id); !known {
			panic(fmt.Sprintf("merlon: no catalogue has a text %q: the visitor would read the id; correct it%s, or add it to the site's texts", id, nearest(id, ids())))
		}
	}
	return w.say(id, args...)
}

// NoticeText is [Response.Notice] with a message of the site's texts, in the language in which the POST is answered.
func (r *Response) NoticeText(id constant, args ...any) *Response {
	c := *r
	c.noticeID, c.noticeArgs = string(id), args
	return &c
}

// notice is what the next page shows, "" for nothing.
func (w *walk) notice(res *Response) string {
	if res.noticeID != "" {
		return w.sayOwn(res.noticeID, res.noticeArgs)
	}
	return res.notice
}

// negotiate chooses the language of an answer.
func (w *walk) negotiate() string {
	if !w.site.several {
		return w.site.lang
	}
	return w.site.words.Match(w.r.Header.Get("Accept-Language"))
}

// speak answers in the language that the visitor has chosen, if the site has it.
func (w *walk) speak(lang string) {
	if w.site.several && slices.Contains(w.site.words.Langs(), lang) {
		w.lang = lang
	}
}

// vary names what the answer depends on besides.
func (w *walk) vary(usual []string) []string {
	if !w.site.several {
		return usual
	}
	return []string{usual[0] + ", Accept-Language"}
}

// pluralOf hands the plural forms of a catalogue to room page.
func pluralOf(c *text.Catalogue) func(lang, id string) ([]string, func(n int) int) {
	return func(lang, id string) ([]string, func(n int) int) {
		if p, ok := c.Plural(lang, id); ok {
			return p.Words, p.Pick
		}
		return nil, nil
	}
}
