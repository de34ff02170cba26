package form

import "fmt"

// Text returns the words of one of the framework's messages in the visitor's language, its arguments put in.
type Text func(id string, args ...any) string

// The ids of the messages. The first group says what is wrong with a field.
const (
	MsgRequired   = "form.required"    // nothing was given
	MsgTooLong    = "form.too-long"    // argument: the most code points
	MsgTooShort   = "form.too-short"   // argument: the fewest code points
	MsgTooMany    = "form.too-many"    // argument: the most values of a list
	MsgLineBreak  = "form.line-break"  // in a text of one line
	MsgControl    = "form.control"     // a control character
	MsgEncoding   = "form.encoding"    // bytes that are not UTF-8
	MsgNumber     = "form.number"      // no number
	MsgTooSmall   = "form.too-small"   // argument: the least value
	MsgTooLarge   = "form.too-large"   // argument: the largest value
	MsgChoice     = "form.choice"      // not one of the choices
	MsgNotOffered = "form.not-offered" // a choice that the program did not offer yet
	MsgDate       = "form.date"        // no date
	MsgDateTime   = "form.datetime"    // no date and time
	MsgTooEarly   = "form.too-early"   // argument: the first date
	MsgTooLate    = "form.too-late"    // argument: the last date
	MsgEmail      = "form.email"       // no e-mail address
	MsgURL        = "form.url"         // no http or https address
	MsgFile       = "form.file"        // text where a file belongs
	MsgEmptyFile  = "form.empty-file"  // a file of no bytes
	MsgType       = "form.type"        // a file of another type; argument: the types
	MsgPixels     = "form.pixels"      // a picture too large; argument: millions of pixels
	MsgDeepPixels = "form.deep-pixels" // one of 16 bits a colour or of print, of which half as many are taken; argument: millions of pixels
	MsgNoRoom     = "form.no-room"     // a file for which the site has no room
	MsgQuota      = "form.quota"       // a file for which its sender has no room
	MsgInvalid    = "form.invalid"     // rejected without words

	MsgRequiredChoice   = "form.required-choice"   // MsgRequired of a choice
	MsgRequiredCheckbox = "form.required-checkbox" // MsgRequired of a checkbox
	MsgRequiredFile     = "form.required-file"     // MsgRequired of an upload
	MsgLargeFile        = "form.large-file"        // MsgTooLarge of an upload; argument: the size
	MsgFileLimits       = "form.file-limits"       // below the label of an upload; arguments: types, size
	MsgFileAgain        = "form.file-again"        // below it when a form is shown again that had a file
	MsgWholeNumber      = "form.whole-number"      // MsgNumber of a whole number
	MsgSummary          = "form.summary"           // the heading of the error summary
	MsgChoose           = "form.choose"            // the empty option of a select
)

// Messages returns the ids of all messages with their English words, which hold a %v for each argument: what a catalogue
// has to translate. The map is the caller's own.
func Messages() map[string]string {
	m := make(map[string]string, len(english))
	for _, one := range english {
		m[one.id] = one.words
	}
	return m
}

var english = [...]struct{ id, words string }{
	{MsgRequired, "Enter a value."},
	{MsgRequiredChoice, "Choose one of the options."},
	{MsgRequiredCheckbox, "Tick this box."},
	{MsgTooLong, "Use at most %v characters."},
	{MsgTooShort, "Use at least %v characters."},
	{MsgTooMany, "Give at most %v values."},
	{MsgLineBreak, "Write this in one line."},
	{MsgControl, "Take out the invisible control characters."},
	{MsgEncoding, "Some characters could not be read. Type them again."},
	{MsgNumber, "Enter a number, such as 2.5."},
	{MsgWholeNumber, "Enter a whole number, such as 12."},
	{MsgTooSmall, "Enter %v or more."},
	{MsgTooLarge, "Enter %v or less."},
	{MsgChoice, "Choose one of the options shown."},
	{MsgNotOffered, "Choose one of the options shown."},
	{MsgDate, "Enter a date as year-month-day, such as 2026-02-28."},
	{MsgDateTime, "Enter a date and time, such as 2026-02-28T12:30."},
	{MsgTooEarly, "Enter %v or later."},
	{MsgTooLate, "Enter %v or earlier."},
	{MsgEmail, "Enter one e-mail address, such as ann@example.org."},
	{MsgURL, "Enter a web address that begins with https:// or http://."},
	{MsgRequiredFile, "Choose a file."},
	{MsgFile, "Choose a file."},
	{MsgEmptyFile, "The file is empty. Choose another one."},
	{MsgLargeFile, "The file is too large. Choose one of at most %v."},
	{MsgType, "The file is not of a type that can be used. Choose one of these: %v."},
	{MsgPixels, "The picture has too many pixels. Choose one of at most %v million."},
	{MsgDeepPixels, "The picture has 16 bits a colour or the colours of print, and too many pixels for that. Choose one with the usual colours, or of at most %v million pixels."},
	{MsgNoRoom, "There is no room for files at the moment. Send the file later."},
	{MsgQuota, "Your files have used up the room that you have. Choose a smaller file, or delete some: they make room two days later."},
	{MsgFileLimits, "%v, at most %v."},
	{MsgFileAgain, "Choose the file once more: it was not kept."},
	{MsgInvalid, "Change this."},
	{MsgSummary, "There is a problem"},
	{MsgChoose, "Choose"},
}

// English is the [Text] of the messages as they are written here. An unknown id is returned as it is.
func English(id string, args ...any) string {
	for i := range english {
		if english[i].id == id {
			if len(args) == 0 {
				return english[i].words
			}
			return fmt.Sprintf(english[i].words, args...)
		}
	}
	return id
}

// message puts a problem into words. Field is nil for the whole form.
func (r *Render) message(f *field, p *problemOf) string {
	if p.id == "" {
		return r.author(p.words)
	}
	if f == nil {
		return r.text(p.id)
	}
	switch p.id {
	case MsgRequired:
		switch {
		case f.Kind == KindCheckbox:
			return r.text(MsgRequiredCheckbox)
		case f.Kind == KindChoice:
			return r.text(MsgRequiredChoice)
		case f.Kind.isUpload():
			return r.text(MsgRequiredFile)
		}
	case MsgNumber:
		if f.Kind != KindFloat {
			return r.text(MsgWholeNumber)
		}
	case MsgTooLong:
		return r.text(p.id, f.Max)
	case MsgTooShort:
		return r.text(p.id, f.Min)
	case MsgTooMany:
		return r.text(p.id, f.MaxItems)
	case MsgTooSmall, MsgTooEarly:
		return r.text(p.id, f.lowText)
	case MsgType:
		return r.text(p.id, f.typeWords())
	case MsgPixels:
		return r.text(p.id, max(1, f.pixels()/1_000_000))
	case MsgDeepPixels:
		return r.text(p.id, max(1, f.pixels()/2_000_000))
	case MsgTooLarge, MsgTooLate:
		if f.Kind.isUpload() {
			return r.text(MsgLargeFile, sizeWords(f.MaxBytes))
		}
		return r.text(p.id, f.highText)
	}
	return r.text(p.id)
}

func (r *Render) text(id string, args ...any) string {
	if r.Text != nil {
		return r.Text(id, args...)
	}
	return English(id, args...)
}

func (r *Render) author(words string) string {
	if r.Author != nil && words != "" {
		return r.Author(words)
	}
	return words
}
