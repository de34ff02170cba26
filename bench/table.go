package main

import "context"

// rows is the table, in the order in which it is printed.
func rows() []row {
	overLoopback := func(mine, peer string, tokens int) func(context.Context, *bench) (outcome, error) {
		return func(ctx context.Context, b *bench) (outcome, error) {
			return b.overLoopback(ctx, mine, peer, tokens)
		}
	}
	return []row{
		{name: "page-http/floor", against: "floor", hold: 7, run: overLoopback("merlon", "floor", 2)},
		{name: "page-http/kit", against: "kit", hold: 8, run: overLoopback("merlon", "kit", 2)},
		{name: "page-http/hand", against: "kit by hand", hold: 1.8, run: overLoopback("merlon", "hand", 2)},
		{name: "page-http/django", against: "Django, gunicorn", hold: 30, run: overLoopback("merlon", "django", 2)},
		{name: "page/floor", against: "floor", hold: 0.12, most: true, run: pageFloor},
		{name: "render/hand", against: "appends by hand", hold: 1.5, most: true, run: rendering(handRender, "hand", asItIs, 12)},
		{name: "render/templ", against: "templ", hold: 0.3, most: true, run: rendering(templRender(), "templ", squeeze, 0)},
		{name: "hello-http/floor", against: "net/http", hold: 0.6, run: overLoopback("hello-merlon", "hello", 0)},
		{name: "layers", against: "net/http, in µs", hold: 10, most: true, unit: "µs", run: layers},
		{name: "flood", against: "unbounded hashing", hold: 0.01, most: true, run: flood},
		{name: "enum/sign-in", against: "unknown address", hold: 1.05, most: true, run: enumeration("/sign-in", 422)},
		{name: "enum/sign-up", against: "unknown address", hold: 1.05, most: true, run: enumeration("/sign-up", 303)},
		{name: "enum/reset", against: "unknown address", hold: 1.05, most: true, run: enumeration("/account/reset/ask", 303)},
		{name: "sessions-1m", against: "10,000 sessions", hold: 1.5, most: true, run: lookup((*bench).lookupSide)},
		{name: "page-postgres/hand", against: "pgx by hand, by CPU", hold: 0.7, run: onServers(false)},
		{name: "page-valkey/hand", against: "the same, valkey-go and scs", hold: 0.7, run: onServers(true)},
		{name: "page-replicas", against: "without them, the primary's CPU", hold: 0.5, most: true, run: onReplicas},
		{name: "postgres-write", against: "pgx, side by side", hold: 0.2, run: oneWriter},
		{name: "forms", against: "one writer, in µs", hold: 2000, most: true, unit: "µs", run: formRate},
		{name: "sessions-valkey", against: "10,000 sessions", hold: 1.5, most: true, run: lookup((*bench).valkeySide)},
		{name: "sessions-postgres", against: "10,000 sessions", hold: 1.5, most: true, run: lookup((*bench).postgresSide)},
		{name: "sqlite-read", against: "mattn", hold: 0.9, most: true, run: stores(readPoint, byTime)},
		{name: "sqlite-rows", against: "mattn", hold: 0.75, most: true, run: stores(readRows, byTime)},
		{name: "sqlite-mixed", against: "mattn", hold: 1.2, run: stores(readAndWrite, byRate)},
	}
}
