package mutants

// behindhand are the copies of the database that are a moment behind: what may be read there, and by whom.
var behindhand = []mutant{
	{"replica that lacks an open transaction", "postgres/replica.go", `ELSE coalesce(pg_xact_status(" + n + ") <> 'in progress', true) END"`, `ELSE " + n + " IS NOT NULL END"`, "postgres TestReplicas"},
	{"replica that lacks what was written", "postgres/replica.go", `	case err == nil && seen:
`, `	case err == nil:
		_ = seen
`, "postgres TestReplicas"},
	{"age of a replica", "postgres/replica.go", `return s.fault == "" && now.Sub(s.fresh) <= db.MaxLag`, `return s.fault == ""`, "postgres TestReplicas"},
	{"replica of another server", "postgres/follow.go", `case system != *known:`, `case system == "":`, "postgres TestForeignReplica"},
	{"replica that was promoted", "postgres/follow.go", `case row[0] != "t":`, `case row[0] == "":`, "postgres TestReplicas"},
	{"replica left behind by a failover", "postgres/follow.go", `n > 0 && f.samples[n-1].timeline > timeline`, `n > 0 && f.samples[n-1].timeline > timeline+1`, "postgres TestReplicas"},
	{"pages of parts from the primary", "replica.go", `w.primary || w.route.own || w.route.opt.primary`, `w.primary || w.route.opt.primary`, "internal/e2e/replicas TestSessionsInTheDatabase"},
	{"pages that say primary", "replica.go", `w.primary || w.route.own || w.route.opt.primary`, `w.primary || w.route.own`, "internal/e2e/replicas TestSessionsInTheDatabase"},
	{"session that has written", "replica.go", `	after, _ := writtenKey.Get(w.state)
`, `	after := int64(0)
`, "internal/e2e/replicas TestSessionsOnAServer"},
	{"visitor who has written", "replica.go", `		after = max(after, n)
`, `		_ = n
`, "internal/e2e/replicas TestSessionsInTheDatabase"},
	{"mounted handler that may have written", "mount.go", `		w.noteMounted()
`, ``, "internal/e2e/replicas TestSessionsInTheDatabase"},
	{"what a replica lacks", "get.go", `case w.copy != nil && (err != nil ||`, `case w.copy != nil && (false ||`, "internal/e2e/replicas TestSessionsInTheDatabase"},
	{"guards from the primary", "walk.go", `	w.reader = w.run.engine.Read(w.ctx)
	state, err := w.run.sessions.Load`, `	if w.reader = w.run.engine.Read(w.ctx); w.run.replicas != nil {
		if r := w.run.replicas.ReadAfter(w.ctx, 0); r != nil {
			w.reader = r
		}
	}
	state, err := w.run.sessions.Load`, "internal/e2e/replicas TestSessionsInTheDatabase"},
	{"events of a page that is made again", "walk.go", `		w.later = append(w.later, e)
		w.mu.Unlock()
		return
`, `		w.mu.Unlock()
		w.run.record(e)
		return
`, "internal/e2e/replicas TestSessionsInTheDatabase"},
}
