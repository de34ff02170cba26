package password

import (
	"fmt"
	"time"

	"golang.org/x/crypto/argon2"
)

// Params are the costs of Argon2id, with one lane.
type Params struct {
	Memory uint32 // KiB
	Time   uint32 // passes
}

// Floor is the least that [New] accepts: OWASP's 19 MiB and 2 passes (Password Storage Cheat Sheet).
var floor = Params{Memory: 19 << 10, Time: 2}

// Bounds of calibration, and of what a site may fix.
const (
	aim        = 80 * time.Millisecond // the middle of 60 to 100 ms
	most       = 100 * time.Millisecond
	usualMax   = 32 << 10  // KiB that calibration takes for one hash; more time is bought with passes
	maxMemory  = 256 << 10 // KiB, of any hash, stored or new
	maxTime    = 10
	maxLanes   = 16
	sumSize    = 32
	saltSize   = 16
	dummyBytes = "merlon: nobody's"
)

// steps are the memory sizes that calibration chooses from, in KiB. They are coarse, so that two starts of the same
// machine agree and not every sign-in is an upgrade.
var steps = []uint32{19 << 10, 24 << 10, usualMax}

// String returns the costs as they stand in a stored hash.
func (p Params) String() string { return fmt.Sprintf("m=%d,t=%d,p=1", p.Memory, p.Time) }

// cost is what a hash costs, in KiB passes.
func (p Params) cost() uint64 { return uint64(p.Memory) * uint64(p.Time) }

// meetsFloor accepts the floor and OWASP's other pair of more memory and one pass.
func (p Params) meetsFloor() bool {
	return p.Memory >= floor.Memory && p.Time >= floor.Time || p.Memory >= 46<<10 && p.Time >= 1
}

// within reports whether the costs are such that Argon2 takes them and the caps allow them.
func (p Params) within() bool {
	return p.Memory >= 8 && p.Memory <= maxMemory && p.Time >= 1 && p.Time <= maxTime
}

func (p Params) sum(password, salt []byte) []byte {
	return argon2.IDKey(password, salt, p.Time, p.Memory, 1, sumSize)
}

// calibrate chooses the costs that take about 80 ms on this machine: never less than the floor, however slow it is. It
// hashes at most four times. What it took is returned as well. A clock that stands still gives the floor.
func calibrate(clock func() time.Time, run func(Params)) (Params, time.Duration) {
	measure := func(p Params) time.Duration {
		start := clock()
		run(p)
		took := clock().Sub(start)
		tidy() // the site begins without the garbage of three
		return took
	}
	run(Params{Memory: 1 << 10, Time: 1}) // first use of memory and code
	base := measure(floor)
	if again := measure(floor); again < base { // a machine is slower than it is by chance, never faster
		base = again
	}
	if base <= 0 || base >= aim {
		return floor, base
	}
	p := fit(float64(aim) / float64(base))
	took := measure(p)
	if took > most && p != floor {
		p = fit(float64(aim) / float64(base) * float64(aim) / float64(took))
		took = time.Duration(float64(took) * float64(aim) / float64(took))
	}
	return p, took
}

// fit returns the costs nearest below factor times the floor's: memory first, which hurts an attacker's hardware most.
func fit(factor float64) Params {
	want := factor * float64(floor.cost())
	p := floor
	for _, m := range steps {
		if float64(m)*float64(floor.Time) <= want {
			p.Memory = m
		}
	}
	for p.Time < maxTime && float64(p.Memory)*float64(p.Time+1) <= want {
		p.Time++
	}
	return p
}
