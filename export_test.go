package merlon

import (
	"context"
	"testing"
)

// LocalReason says why an address is not one of the site's pages, "" if it is: what redirects.json calls the reason.
func (s *Site) LocalReason(next string) string {
	_, reason := s.local(next, func(string) bool { return false })
	return reason
}

// StartSeries is what each process does for its periodic jobs when it starts.
func (s *Site) StartSeries(ctx context.Context) error {
	return s.running.Load().jobs.startSeries(ctx)
}

// BoundBodies sets how many bytes of bodies may be under way.
func (s *Site) BoundBodies(room int64) { s.running.Load().bodies.room = room }

// TakeJobs takes what is due as another process would, and returns how many jobs that were.
func (s *Site) TakeJobs(t *testing.T) int {
	t.Helper()
	run := s.running.Load()
	all, err := newJobs(s, run, run.keys).take(t.Context(), 10, 0)
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// TellAges does what the task of certificates does each hour.
func (s *Site) TellAges(ctx context.Context) error { return s.ageTask().Run(ctx, s.House()) }

// AgeTask is the task of certificates as it begins.
func (s *Site) AgeTask() func(context.Context) error {
	task := s.ageTask()
	return func(ctx context.Context) error { return task.Run(ctx, s.House()) }
}

// MessageID names a mail.
var MessageID = messageID
