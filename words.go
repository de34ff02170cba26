package merlon

import "github.com/merlon-web/merlon/form"

// say returns one of the messages, the site's own or Merlon's, in the language in which the visitor is answered.
func (w *walk) say(id string, args ...any) string {
	return w.site.words.Format(w.lang, id, args...)
}

// Lang returns the language in which the visitor is answered, as a BCP 47 tag.
func (f *facts) Lang() string { return f.w.lang }

// formTexts says how a form is printed for the visitor.
func (w *walk) formTexts() *form.Render { return w.site.formTexts[w.lang] }
