package merlon

import "github.com/merlon-web/merlon/db"

var (
	waitingJobs = db.Query[jobRow](schema, `
		SELECT id, name, series, created, due, tries, argument FROM merlon_job WHERE state = 'waiting' AND id > $1 ORDER BY id LIMIT $2`)
	holdJob     = db.Exec(schema, `UPDATE merlon_job SET state = 'held' WHERE id = $1 AND state = 'waiting'`)
	skipJob     = db.Exec(schema, `UPDATE merlon_job SET tries = 0, due = $1 WHERE id = $2 AND state = 'waiting'`)
	releaseJobs = db.Exec(schema, `UPDATE merlon_job SET state = 'waiting', tries = 0, due = $1 WHERE state = 'held'`)
)

// holdBatch is how many jobs are looked at in one statement.
const holdBatch = 500

// holdJobs keeps back what a job of the lost time may have done: a card charged, a letter sent. Kinds that say that doing it
// twice is no harm go on, but not after a theft. A periodic kind leaves out the runs that were due meanwhile, and goes on
// with the next one.
func (s *Site) holdJobs(w *db.Writer, r Restore) error {
	held := int64(0)
	for last := int64(0); ; {
		rows, err := waitingJobs.All(w, last, holdBatch)
		if err != nil {
			return err
		}
		for _, row := range rows {
			last = row.ID
			k := s.jobs[row.Name]
			switch {
			case row.Series != "" && k != nil && k.every > 0:
				_, err = skipJob.Run(w, max(row.Due, nextRun(r.Now, k.every).UnixMicro()), row.ID)
			case k != nil && k.idempotent && !r.AfterTheft:
				continue
			default:
				held++
				_, err = holdJob.Run(w, row.ID)
			}
			if err != nil {
				return err
			}
		}
		if len(rows) < holdBatch {
			r.Count("jobs held", held)
			return nil
		}
	}
}
