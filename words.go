package merlon

import (
	"sync"

	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/internal/text"
)

// say returns one of Merlon's own messages in the language in which the visitor is answered.
func (w *walk) say(id string, args ...any) string {
	return text.Own().Format(w.site.lang, id, args...)
}

// Lang returns the language in which the visitor is answered, as a BCP 47 tag.
func (f *facts) Lang() string { return f.w.site.lang }

// formTexts says how a form is printed for the visitor.
func (w *walk) formTexts() *form.Render { return formTexts()[w.site.lang] }

// formTexts says in each language how forms are printed.
var formTexts = sync.OnceValue(func() map[string]*form.Render {
	all := map[string]*form.Render{}
	for _, lang := range text.Own().Langs() {
		all[lang] = &form.Render{
			Text: func(id string, args ...any) string { return text.Own().Format(lang, id, args...) },
			Author: func(words string) string {
				words, _ = text.Own().Translate(lang, words)
				return words
			},
		}
	}
	return all
})
