package form

import (
	"fmt"
	"reflect"
	"slices"
)

// BindQuery binds the path and the query of a GET to a T, which is as [QuerySpecOf] describes it. Raw is the query as sent,
// without the question mark. Query names that T lacks are passed over, since others add them to links; a scalar given twice,
// a bad escape, a semicolon, or a value that breaks the rules of its field is an error. Absent and empty values are the zero
// value. A bool is "on", "true" or "1", or "false" or "0".
//
// The error is a *[Refusal] of status 404 for the path and 400 for the query; T is then the zero value.
func BindQuery[T any](raw string, path func(name string) string) (T, error) {
	spec := specFor(reflect.TypeFor[T](), forQuery)
	var t T
	if len(spec.fields) == 0 && len(spec.faults) == 0 && raw == "" {
		return t, nil
	}
	if refusal := spec.bindQuery(raw, path, reflect.ValueOf(&t).Elem()); refusal != nil {
		var none T
		return none, refusal
	}
	return t, nil
}

func (s *Spec) bindQuery(raw string, path func(string) string, into reflect.Value) *Refusal {
	if len(s.faults) > 0 {
		return refuse(500, ruleOf(s.faults[0].ID), "the input struct "+s.label+" has faults: "+s.faults[0].What)
	}
	if s.paths {
		if refusal := s.bindPath(path, into); refusal != nil {
			return refusal
		}
	}
	b := newBody(false, 0)
	if refusal := b.urlencoded([]byte(raw), Limits{}.orDefault()); refusal != nil {
		refusal.Status, refusal.Rule = 400, RuleQuery
		return refusal
	}
	st := newState(s, true)
	for i := range b.entries {
		e := &b.entries[i]
		at, declared := s.body[e.name]
		if !declared {
			continue
		}
		f, t := &s.fields[at], &st.typed[at]
		if t.given && !f.List {
			return refuse(400, RuleQuery, fmt.Sprintf("the query value %q was given twice", f.Name))
		}
		if f.Kind == KindCheckbox {
			switch {
			case slices.Contains([]string{"on", "true", "1"}, e.value):
				e.value = "on"
			case slices.Contains([]string{"", "false", "0"}, e.value):
				t.given = true
				continue
			}
		}
		t.add(e.value)
	}
	for i := range s.fields {
		f, t := &s.fields[i], &st.typed[i]
		if f.Path {
			continue
		}
		if f.Kind == KindCheckbox && t.given && t.value == "" {
			t.given = false
		}
		_ = s.bindField(st, i, nil, into.Field(f.index))
		if len(st.problems) > 0 {
			return refuse(400, RuleQuery, fmt.Sprintf("the query value %q is refused: %s", f.Name, new(Render).message(f, &st.problems[0])))
		}
	}
	return nil
}
