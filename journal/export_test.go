package journal

import "log/slog"

// A Row is a row's fields in the order of the canonical form.
type Row struct {
	Link, Seq, At, User                                                  int64
	ID, Property, Outcome, Title, Request, Method, Route, Client, Detail string
}

// Canonical returns the bytes that are hashed.
func (r Row) Canonical() []byte {
	one := row{Seq: r.Seq, At: r.At, ID: r.ID, Property: r.Property, Outcome: r.Outcome, Title: r.Title, Request: r.Request,
		Method: r.Method, Route: r.Route, Client: r.Client, UserID: r.User, Detail: r.Detail}
	return one.appendCanonical(nil, r.Link)
}

// Detail returns details as they are stored.
func Detail(attrs ...slog.Attr) []byte { return appendDetail(nil, attrs) }
