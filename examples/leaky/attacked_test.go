package main_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/attack"
	"github.com/merlon-web/merlon/examples/leaky/holes"
)

// means says which rules of the attacker tell of a hole. A finding counts for a hole when its rule does and its route is one
// of the hole's.
var means = map[string]string{
	"L01": "007", "L02": "001 002", "L03": "003", "L04": "005", "L05": "012", "L06": "006", "L07": "006", "L08": "017", "L09": "018", "L10": "019", "L11": "010",
	"L12": "004", "L13": "020 021 022 032", "L14": "027", "L15": "020 021 022 032", "L16": "024", "L17": "027 028", "L18": "020 021 022 032", "L19": "020 021 022 032", "L20": "031", "L21": "029", "L22": "035",
	"L23": "040", "L24": "040", "L25": "040", "L26": "040", "L27": "040", "L28": "042 043", "L29": "043", "L30": "046", "L31": "045", "L32": "047", "L33": "048",
	"L34": "060", "L35": "060", "L36": "060", "L37": "062", "L38": "060", "L39": "060", "L40": "060", "L41": "060 066", "L42": "067", "L43": "067", "L44": "065", "L45": "063", "L46": "066", "L47": "068", "L48": "069", "L49": "070", "L50": "071",
	"L51": "080", "L52": "080 081", "L53": "082", "L54": "084", "L55": "083", "L56": "013", "L57": "122", "L58": "080", "L59": "085", "L60": "080 081",
	"L61": "100", "L62": "100", "L63": "102", "L64": "103", "L65": "103", "L66": "101", "L67": "105", "L68": "105", "L69": "111", "L70": "", "L71": "", "L72": "110",
	"L73": "008 120 124", "L74": "124", "L75": "130", "L76": "049", "L77": "050", "L78": "050",
	"L79": "141", "L80": "142", "L81": "143", "L82": "144", "L83": "145", "L84": "146", "L85": "147", "L86": "148",
}

// besides are findings that nobody planted and that are true all the same: rule, route, why.
var besides = [][3]string{
	{"121", "*", "the site answers to every name"},
	{"125", "GET /login", "the handler itself gives its sign-in form over plain http"},
	{"126", "*", "the handler sends no Strict-Transport-Security"},
}

func number(f attack.Finding) string { return strings.TrimPrefix(f.ID, "MRL-ATK-") }

// on reports whether a route of a finding is that of the list.
func on(listed, found string) bool {
	if listed == "*" || found == "every route" || listed == found {
		return true
	}
	method, path, _ := strings.Cut(found, " ")
	if m, p, ok := strings.Cut(listed, " "); ok {
		if m != method {
			return false
		}
		listed = p
	}
	if path, _, _ = strings.Cut(path, " ("); listed == "/" {
		return path == "/{unknown}"
	}
	if strings.HasSuffix(listed, "/") && strings.HasPrefix(path, listed) {
		return true // net/http takes such a pattern for all that lies below
	}
	a, b := strings.Split(listed, "/"), strings.Split(path, "/")
	for i := range a {
		if len(a) != len(b) || a[i] != b[i] && !strings.HasPrefix(a[i], "{") {
			return false
		}
	}
	return true
}

// tally holds findings against the list.
func tally(report *attack.Report) (found map[string]attack.Finding, invented []attack.Finding) {
	found = make(map[string]attack.Finding)
	for _, f := range report.Findings {
		hit := false
		for _, h := range holes.Planted {
			if slices.Contains(strings.Fields(means[h.ID]), number(f)) && slices.ContainsFunc(h.Routes, func(r string) bool { return on(r, f.Route) }) {
				hit = true
				if _, known := found[h.ID]; !known {
					found[h.ID] = f
				}
			}
		}
		for _, b := range besides {
			hit = hit || b[0] == number(f) && on(b[1], f.Route)
		}
		if !hit {
			invented = append(invented, f)
		}
	}
	return found, invented
}

// table is found / planted by class.
func table(found map[string]attack.Finding, invented []attack.Finding) string {
	var b strings.Builder
	planted, hits, made := map[string]int{}, map[string]int{}, map[string]int{}
	for _, h := range holes.Planted {
		planted[h.Class]++
		if _, ok := found[h.ID]; ok {
			hits[h.Class]++
		}
	}
	for _, f := range invented {
		made[f.Class]++
	}
	fmt.Fprintf(&b, "%-10s found planted invented\n", "class")
	for _, c := range []string{holes.Sessions, holes.Forgery, holes.Injection, holes.Output, holes.Access, holes.Limits, holes.Platform, holes.Backup} {
		fmt.Fprintf(&b, "%-10s %5d %7d %8d\n", c, hits[c], planted[c], made[c])
	}
	fmt.Fprintf(&b, "%-10s %5d %7d %8d\n", "all", len(found), len(holes.Planted), len(invented))
	for _, h := range holes.Planted {
		if _, ok := found[h.ID]; !ok {
			fmt.Fprintf(&b, "missed %s %s %s: %s\n", h.ID, h.Class, strings.Join(h.Routes, ", "), h.Wrong)
		}
	}
	for _, f := range invented {
		fmt.Fprintf(&b, "invented %s %s as %s: %.200s\n", f.ID, f.Route, f.As, f.What)
	}
	return b.String()
}

// floor is how many of the planted holes were found when this was last measured.
const floor = 83

func TestAttackedAlone(t *testing.T) {
	t.Parallel()
	s, p := leaky(t)
	var back func()
	p.Keep = func(keep func() func()) func() func() {
		return func() func() { back = keep(); return back }
	}(p.Keep)
	report, err := attack.Probe(t.Context(), s, p, attack.Options{Budget: 5 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range replayed(t, s, p, back, report) {
		t.Errorf("not repeated: %s", f)
	}
	found, invented := tally(report)
	t.Logf("%s\n%s", table(found, invented), report.Coverage)
	if len(found) < floor {
		t.Errorf("%d holes found, there were %d", len(found), floor)
	}
	if len(invented) > 0 {
		t.Errorf("%d findings are of nothing planted", len(invented))
	}
}
