package merlon

import (
	"fmt"
	"slices"
	"strings"
)

// judgeNeeds tells of parts that lack another one, and leaves them out of what is judged afterwards, with those that need them in
// turn: their routes and pages would only tell the same once more, each.
func (s *Site) judgeNeeds() {
	has := func(parts []Part, name constant) bool {
		return slices.ContainsFunc(parts, func(p Part) bool { return p.Name == name })
	}
	listed := s.cfg.Parts
	for {
		rest := slices.DeleteFunc(slices.Clone(s.cfg.Parts), func(p Part) bool { return p.Needs != "" && !has(s.cfg.Parts, p.Needs) })
		if len(rest) == len(s.cfg.Parts) {
			break
		}
		s.cfg.Parts = rest
	}
	for _, p := range listed {
		if p.Needs != "" && !has(listed, p.Needs) {
			s.fault(RuleLacking.Finding("Config.Parts", fmt.Sprintf("part %q needs part %q, which the site lacks", p.Name, p.Needs),
				fmt.Sprintf("add %s.New(%[1]s.Config{}) to Config.Parts", p.Needs)))
		}
	}
}

// judgeParts tells where two parts of a site take each other's place: which of them would win is nobody's decision then,
// and the sign-in page is the last that may be replaced unseen.
func (s *Site) judgeParts() {
	names := map[string]bool{}
	var signIn []string
	over := map[string]string{} // page file → the first part that puts one over others'
	for _, p := range s.cfg.Parts {
		name := string(p.Name)
		if names[name] {
			s.fault(RulePart.Finding("Config.Parts", fmt.Sprintf("two parts have the name %q", name), "list each part once; give two different ones names of their own"))
			continue // its other clashes are with itself
		}
		names[name] = true
		for _, t := range p.Tasks {
			if t.Run == nil || t.Every < 0 || t.Every == 0 && !t.Last && t.Wake == nil {
				s.fault(RulePart.Finding("part "+name, fmt.Sprintf("its task %q would never run: Every is %v, Last %v, Wake set %v, Run set %v", t.Name, t.Every, t.Last, t.Wake != nil, t.Run != nil),
					"give it a function, and a time for Every, true for Last or a channel for Wake"))
			}
		}
		if p.SignIn != "" {
			signIn = append(signIn, fmt.Sprintf("%s (%s)", name, p.SignIn))
		}
		if p.Over == nil {
			continue
		}
		for _, file := range p.Over.Names() {
			first, taken := over[file]
			if !taken {
				over[file] = name
				continue
			}
			if s.cfg.Pages != nil && slices.Contains(s.cfg.Pages.Names(), file) {
				continue // the site's own comes before both
			}
			s.fault(RulePart.Finding("Config.Parts", fmt.Sprintf("parts %s and %s both put a file over others' %s", first, name, file),
				fmt.Sprintf("list one of them, or write a %s among the pages of the site: it comes before both", file)))
		}
	}
	if len(signIn) > 1 {
		s.fault(RulePart.Finding("Config.Parts", "several parts have a sign-in page: "+strings.Join(signIn, ", "), "list one of them: visitors are sent to one page to sign in"))
	}
}
