package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/mailbox"
)

// A drill restores the newest point into a scratch folder, starts the site's own program on it, without network, and uses it
// as people do: signs in, reads, posts. What was not restored may not be restorable.

// The targets of a drill when none are named.
const (
	targetRPO = 15 * time.Minute
	targetRTO = 5 * time.Minute
	drillTime = 30 * time.Minute // for all of it
)

func (p *part) drillEntry() merlon.Command {
	return merlon.Command{Name: "drill", Short: "rehearse: restore the newest point into a scratch place, start the site on it, sign in", Example: "--target rpo=15m,rto=5m", Run: p.drillCommand, Flags: []merlon.Flag{
		{Name: "target", Usage: "how old the newest point may be, and how long a restore may take: rpo=15m,rto=5m, which is used without it"}}}
}

func (p *part) childEntry() merlon.Command {
	return merlon.Command{Name: "drill-child", Args: "FOLDER SOCKET", Short: "the site of a drill", Hidden: true, Apart: true, Anew: true, Run: p.child}
}

// aims are what a drill is measured against.
type aims struct{ rpo, rto time.Duration }

func parseAims(text string) (aims, error) {
	a := aims{targetRPO, targetRTO}
	if text == "" {
		return a, nil
	}
	for one := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(one, "=")
		d, err := time.ParseDuration(value)
		switch {
		case err != nil || d <= 0:
			return a, merlon.Misused("--target takes times: rpo=15m,rto=5m: %q is none", one)
		case name == "rpo":
			a.rpo = d
		case name == "rto":
			a.rto = d
		default:
			return a, merlon.Misused("--target takes rpo and rto: %q is neither", name)
		}
	}
	return a, nil
}

func (p *part) drillCommand(ctx context.Context, c *merlon.Call) error {
	aim, err := parseAims(c.Flag("target"))
	if err != nil {
		return err
	}
	e, path, err := p.rehearse(ctx, c.House, aim)
	if e == nil {
		return commandError(ctx, err)
	}
	printed := c.Answer("merlon/drill/v1", "drill", e, func(out io.Writer) error {
		e.print(out)
		_, err := fmt.Fprintf(out, "evidence  %s (no secrets)\n", path)
		return err
	})
	return errors.Join(err, printed)
}

// nightly is the drill of the task.
func (p *part) nightly(ctx context.Context, h *merlon.House) error {
	_, _, err := p.rehearse(ctx, h, aims{targetRPO, targetRTO})
	return err
}

// rehearse runs a drill and tells what came of it: evidence, state, and when it failed an event and a mail.
func (p *part) rehearse(ctx context.Context, h *merlon.House, aim aims) (*Evidence, string, error) {
	if err := ableToRestore(); err != nil {
		return nil, "", err
	}
	if h.Mode == merlon.Drill {
		return nil, "", merlon.Refuse("this is a drill already: a copy rehearses nothing")
	}
	asked := ctx
	ctx, cancel := context.WithTimeout(ctx, drillTime)
	defer cancel()
	e := &Evidence{Format: evidenceFormat, Started: stamp(h.Clock()), Steps: map[string]float64{}, RPOTarget: aim.rpo.Seconds(), RTOTarget: aim.rto.Seconds()}
	point, err := p.drillOnce(ctx, h, e)
	if errors.Is(err, ErrNotSetUp) || errors.Is(err, ErrBusy) && len(e.read.faults) == 0 {
		return nil, "", err
	}
	if err != nil && asked.Err() != nil { // somebody ended it: that says nothing of the point
		return nil, "", context.Cause(asked)
	}
	if err == nil {
		err = e.judge()
	}
	e.conclude(err)
	noting := context.WithoutCancel(ctx)
	path, err := p.runner.noteDrill(noting, point, e, err)
	if err != nil {
		err = errors.Join(err, p.drillFailed(noting, h, e))
		return e, path, err
	}
	p.ping(asked, h)
	h.Log.LogAttrs(ctx, slog.LevelInfo, "drill passed", slog.Int64("point", e.Seq), slog.Float64("rto", e.RTO))
	return e, path, nil
}

// drillFailed tells of a failure: an event, and a mail that does not wait in the site's own queue if a mail server is set.
func (p *part) drillFailed(ctx context.Context, h *merlon.House, e *Evidence) error {
	subject, body, newest := "backup.mail.drill", e.Problem, (&state{}).told()
	if s, err := p.runner.home.readState(); err == nil {
		newest = s.told()
	}
	if to := p.whom(ctx, h); to != (mailbox.Address{}) {
		sending, cancel := context.WithTimeout(ctx, time.Minute)
		_, err := h.SendNow(sending, to, subject, h.Title, body, newest, sealedTo(h.Data))
		cancel()
		if err == nil {
			subject = "" // told
		}
	}
	return p.tell(ctx, h, RuleDrillFailed, event.Failed, subject, body, newest, append(e.damage(), slog.Int64("point", e.Seq), slog.String("problem", e.Problem))...)
}

// readiness is what a load balancer's page says of the drills, without a change of its status.
func (p *part) readiness(_ context.Context, h *merlon.House) []string {
	s, err := homeOf(h.Data).readState()
	if err != nil || s.Drill == "" || s.Drill == "pass" {
		return nil
	}
	return []string{"the drill of " + s.DrillAt.UTC().Format("2006-01-02 15:04 MST") + " failed: read why in its evidence, data/drills, and mend that: then run drill"}
}

// drillOnce does the drill's steps and fills in the evidence as far as it comes. What is found of other points is told when the
// drill's own was restored and started.
func (p *part) drillOnce(ctx context.Context, h *merlon.House, e *Evidence) (*Point, error) {
	before, err := p.runner.home.readState()
	if err != nil {
		return nil, err
	}
	if _, err := ReadSetup(h.Data); err != nil {
		return nil, err
	}
	e.age(before, h.Clock())
	store, known, err := p.openSetUp(ctx, h.Data)
	if err != nil {
		return nil, err
	}
	defer store.target.Close()
	e.Seq, e.Class, e.Instant = before.Seq, before.Class, before.Instant
	points, err := timed(e, "list", func() ([]*Point, error) { return p.steadyChain(ctx, store, known) })
	faults, broken := errors.AsType[ChainErrors](err)
	if err != nil && !broken {
		return nil, err
	}
	k := p.runner.take() // of the point that the night's run has made, in this process
	if k != nil && k.point.Base != "" {
		k = nil // the key of the point that holds its uploads is gone
	}
	made := int64(0)
	if k != nil {
		made = k.point.Seq
	}
	faults = e.sift(faults, points, before)
	_, damage := timed(e, "before", func() (struct{}, error) { return struct{}{}, e.readBefore(ctx, store, newestBefore(points, made)) })
	damage = errors.Join(faults.err(), damage)
	fresh := func() error {
		if _, err := timed(e, "point", func() (*Made, error) { return p.attempt(ctx, h, wish{daily: true, force: true}) }); err != nil {
			return err
		}
		if k = p.runner.take(); k == nil {
			return errors.New("backup: the key of the point that was just made is not there: the drill cannot open it")
		}
		points = append(points, k.point)
		return nil
	}
	taken := k != nil
	if !taken { // the key of the newest point is gone with the process that made it: another one is made
		if err := fresh(); err != nil {
			return nil, errors.Join(damage, err)
		}
		if now, err := p.runner.home.readState(); err == nil && before.Content != "" && now.Content == before.Content {
			e.RPO = 0 // nothing had changed since: nothing would have been lost
		}
	}
	if !broken {
		e.Checks.Chain = fmt.Sprintf("%d/%d", len(points), len(points))
	}
	err = p.drillPoint(ctx, h, e, store, k)
	if fault, is := errors.AsType[*ChainError](err); taken && is { // the run's own point was damaged since: another one is made here too
		e.read.points = append(e.read.points, k.point)
		e.read.fault(ChainErrors{fault})
		damage = errors.Join(damage, err)
		if err := fresh(); err != nil {
			return nil, errors.Join(damage, err)
		}
		err = p.drillPoint(ctx, h, e, store, k)
	}
	if err == nil {
		_, err = timed(e, "older", func() (struct{}, error) { return struct{}{}, e.readOlder(ctx, store, points, before) })
	}
	if damage != nil && err == nil {
		err = fmt.Errorf("point %d, the newest, was restored and started", k.point.Seq)
	}
	return k.point, errors.Join(damage, err)
}

// drillPoint restores a point into a scratch folder, starts the site on it and uses it.
func (p *part) drillPoint(ctx context.Context, h *merlon.House, e *Evidence, store *Store, k *drillKey) error {
	e.Seq, e.Class, e.Instant = k.point.Seq, k.point.Class, k.point.Instant
	began := time.Now()
	dest := drillFolder(h.Data)
	if err := sweepScratch(ctx, h.Carrier(), h.Data, dest); err != nil {
		return err
	}
	folder, unlock, err := scratch(h.Data, dest)
	if err != nil {
		return err
	}
	copied := &fetched{fetching: fetching{carrier: h.Carrier()}, path: folder, unlock: unlock}
	defer copied.discard()
	inner, err := timed(e, "fetch", func() (*Inner, error) {
		return unpackInto(ctx, store, k.point, key{id: k.id}, folder, h.Carrier(), func(string, ...any) {})
	})
	if err != nil {
		return err
	}
	e.Bytes = k.point.Data.Size
	e.Checks.Ciphertext, e.Checks.Tables = "ok", len(inner.Tables)
	return p.use(ctx, h, e, folder, inner, began)
}

// steadyChain walks the chain, once more when points were made while it was listed: a listing is of no one moment.
func (p *part) steadyChain(ctx context.Context, store *Store, known *Receipt) (points []*Point, err error) {
	for range 3 {
		before, e := p.runner.home.readState()
		if e != nil {
			return nil, e
		}
		points, err = store.Chain(ctx, known)
		if err == nil {
			return points, nil
		}
		if now, e := p.runner.home.readState(); e != nil || now.Seq == before.Seq {
			break
		}
	}
	return points, err
}

// drillFolder names the folders of drills.
func drillFolder(data string) string { return filepath.Join(data, "scratch", "drill") }

// lockPatience is how long the end of a drill waits for a run that is being made.
const lockPatience = 5 * time.Minute

// lockPatiently takes the lock of a home, and waits for whoever has it.
func (h home) lockPatiently(ctx context.Context, most time.Duration) (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	for {
		if unlock, err = h.lock(); !errors.Is(err, ErrBusy) {
			return unlock, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// timed runs one step.
func timed[T any](e *Evidence, step string, do func() (T, error)) (T, error) {
	began := time.Now()
	v, err := do()
	e.Steps[step] = seconds(time.Since(began))
	if err != nil {
		e.Failed = step
	}
	return v, err
}

func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }

// noteDrill keeps the evidence of a drill in its file, at the target that the point was booted, signed with the evidence's
// hash, and how the drill ended in the state. No file says that a drill has passed before its proof is put, and no proof is
// put of evidence that cannot be kept.
func (r *runner) noteDrill(ctx context.Context, p *Point, e *Evidence, failed error) (path string, err error) {
	unlock, busy := r.home.lockPatiently(ctx, lockPatience)
	if busy == nil {
		defer unlock()
	}
	if failed == nil {
		failed = busy
	}
	path, unplaced := e.place(r.house.Data)
	switch {
	case unplaced != nil:
		failed = errors.Join(failed, unplaced)
	case failed == nil:
		failed = r.putBooted(ctx, p, e, path)
	}
	if failed != nil {
		e.conclude(failed)
	}
	if unplaced == nil {
		if kept := e.write(path); kept != nil {
			failed = errors.Join(failed, kept)
			e.conclude(failed)
		}
	}
	if busy != nil {
		return path, failed // whoever has the lock writes the state
	}
	return path, errors.Join(failed, r.noteState(e, failed))
}

// putBooted puts the proof that a point was started, with the hash of the evidence, when the evidence's file can be written:
// until the proof is there the file says that it is not.
func (r *runner) putBooted(ctx context.Context, p *Point, e *Evidence, path string) error {
	pending := *e
	pending.conclude(errors.New("backup: the proof of this drill was not put yet when its process ended"))
	if err := pending.write(path); err != nil {
		return err
	}
	_, sum, err := e.text()
	if err != nil {
		return err
	}
	j, err := r.open(ctx)
	if err != nil {
		return err
	}
	defer j.target.Close()
	if err := j.putProof(ctx, p, Booted, sum); err != nil && !errors.Is(err, errNotNewest) { // a point was made meanwhile: the evidence stays here
		return err
	}
	return nil
}

// noteState writes how the last drill ended, and what it found of other points.
func (r *runner) noteState(e *Evidence, failed error) error {
	s, err := r.home.readState()
	if err != nil {
		return err
	}
	s.noteRead(e.read, r.house.Clock())
	if e.Checks.Older > 0 {
		s.Scrubbed = r.house.Clock()
	}
	s.DrillAt, s.Drill = r.house.Clock(), "pass"
	if failed != nil {
		s.Drill = "fail"
	} else {
		s.Drilled = s.DrillAt
	}
	return r.home.write(stateFile, s)
}
