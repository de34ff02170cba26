package session

import (
	"fmt"
	"time"

	"github.com/merlon-web/merlon/check"
)

// Class chooses the lifetime of a session beside the number of factors. The zero value is an ordinary user's.
type Class uint8

// The classes.
const (
	Ordinary Class = iota
	Administrator
)

// A Level is what a session may: whose it is, and how well that was proven. The zero value is nobody.
type Level struct {
	User     int64     // 0: nobody
	Factors  int       // how many were shown: 0 for nobody, 1 or 2; never more than 3
	Recent   time.Time // when the user last proved it (step-up); zero: never
	Class    Class
	Remember bool   // the cookie outlives the browser, to the absolute deadline at most
	How      string // by what it was proven, in a word of the program for its lists; 32 bytes are kept
}

func (l Level) check(now time.Time) error {
	switch {
	case l.User < 0, l.Factors < 0, l.Factors > 3, l.Class > Administrator:
		return fmt.Errorf("session: level %d/%d/%d: user and factors are never negative, factors at most 3, class one of the declared; give the level that was proven", l.User, l.Factors, l.Class)
	case l.User == 0 && (l.Factors > 0 || l.Class != Ordinary || !l.Recent.IsZero() || l.How != ""):
		return fmt.Errorf("session: a level without a user has factors, a class or a step-up: nobody has proven nothing; give the user or the zero Level")
	case l.User != 0 && l.Factors == 0:
		return fmt.Errorf("session: a level with user %d and no factor: a user is never signed in by nothing; give the number of factors shown", l.User)
	case l.Recent.After(now.Add(Skew)):
		return fmt.Errorf("session: the step-up of the level lies in the future: it would outlast its time; give the time it happened")
	}
	return nil
}

// A Lifetime ends a session: Idle after its last use, Absolute after it began, whatever happens in between.
type Lifetime struct{ Idle, Absolute time.Duration }

func (l Lifetime) orDefault(def Lifetime) (Lifetime, string) {
	if l == (Lifetime{}) {
		return def, ""
	}
	if l.Idle <= 0 || l.Absolute <= 0 || l.Idle > l.Absolute || l.Absolute > 400*24*time.Hour {
		return def, fmt.Sprintf("a lifetime of %v idle, %v at most", l.Idle, l.Absolute)
	}
	return l, ""
}

const (
	single = iota
	strong
	admin
	classes
)

var (
	classNames = [classes]string{"Single", "Strong", "Admin"}
	classTexts = [classes]string{"one factor", "two factors", "administrators"}
	// NIST SP 800-63B-4: AAL1 at most 30 days; AAL2 24 h and 1 h idle; AAL3 12 h and 15 min idle. OWASP ASVS 7.3.1-2.
	defaults = [classes]Lifetime{
		single: {24 * time.Hour, 30 * 24 * time.Hour},
		strong: {time.Hour, 24 * time.Hour},
		admin:  {15 * time.Minute, 8 * time.Hour},
	}
)

// lifeOf is the row of the table that a level falls in: an administrator's by class, else by the number of factors.
func lifeOf(class Class, factors int) int {
	switch {
	case class == Administrator:
		return admin
	case factors >= 2:
		return strong
	}
	return single
}

func (m *Manager) lifetime(class Class, factors int) Lifetime { return m.life[lifeOf(class, factors)] }

// Numbers returns the lifetimes and limits in force, a line each, as the command `session limits` prints them: OWASP ASVS 7.1.1 and 7.1.2 ask
// that they be documented.
func (m *Manager) Numbers() []string {
	lines := make([]string, 0, classes+2)
	for i, life := range m.life {
		lines = append(lines, fmt.Sprintf("session, %s: ends %s after its last use, %s after sign-in", classTexts[i], plain(life.Idle), plain(life.Absolute)))
	}
	return append(lines,
		fmt.Sprintf("sessions of one user: at most %d; one more ends the one unseen for longest", m.perUser),
		fmt.Sprintf("values of one session: at most %d bytes", m.maxBytes))
}

// Checks returns the room's checks: lifetimes beyond the recommended ones.
func (m *Manager) Checks() []check.Check {
	return []check.Check{{Rule: RuleLifetime, Run: m.checkLifetimes}}
}

func plain(d time.Duration) string {
	switch {
	case d%(24*time.Hour) == 0 && d > 24*time.Hour:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	case d%time.Hour == 0:
		return fmt.Sprintf("%d h", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return d.String()
}
