// Package form reads what a visitor typed into one struct per form, and prints that form again with what was typed.
//
// A struct names what may come in: every exported field has a tag, every text a limit ([SpecOf] has the tags). What the
// struct does not name is never bound and is reported. [Parse] reads a body strictly, [Bind] fills the struct and judges it,
// [Form.Value] is the only way to the values, and [AppendFields] prints the form as HTML.
//
// The package does not decide who may send a form (room csrf and the route's access rule do). A value that it let through is
// well-formed, not harmless: whoever prints it, queries with it or mails it must treat it as data.
package form
