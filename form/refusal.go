package form

import (
	"fmt"

	"github.com/merlon-web/merlon/check"
)

// A Refusal is a request that was not bound at all: its body, path or query broke the protocol, not a rule of a field that a
// visitor could mend. It is an error.
type Refusal struct {
	Status int // the HTTP status to answer: 400, 404, 413, 415; 429 and 503 for a picture without a place; 500 for a struct with faults
	Rule   check.Rule
	Detail string // what happened, without what was typed
}

// Error returns what happened, why it is refused and what to do.
func (r *Refusal) Error() string {
	return fmt.Sprintf("form: %s: %s; %s [%s]", r.Detail, r.Rule.Why, r.remedy(), r.Rule.ID)
}

func (r *Refusal) remedy() string {
	switch r.Rule.ID {
	case RuleJSONType.ID:
		return "send application/json in UTF-8, not compressed"
	case RuleJSONValue.ID:
		return "send one JSON object whose members are the fields, each of its type"
	case RuleQuery.ID:
		return "link with values that the struct's query tags allow, each given once"
	}
	switch r.Status {
	case 404:
		return "link with a value of the field's type"
	case 413:
		return "send less, or widen the limits of this route"
	case 415:
		return "send application/x-www-form-urlencoded or multipart/form-data in UTF-8, not compressed"
	case 429, 503:
		return "send the picture again later"
	case 500:
		return "mend the struct: SpecOf lists every fault"
	}
	return "send the form as browsers do"
}

func refuse(status int, rule check.Rule, detail string) *Refusal {
	return &Refusal{Status: status, Rule: rule, Detail: detail}
}

func malformed(detail string) *Refusal { return refuse(400, RuleMalformed, detail) }

// keptName is how many bytes of a name that a visitor sent are kept, in messages and in [Bound].
const keptName = 64
