package page

import (
	"reflect"
	"testing"
)

// Messages read as sentences: "an int", "a string".
func TestArticles(t *testing.T) {
	for _, c := range []struct {
		of   any
		want string
	}{{1, "an int"}, {"", "a string"}, {uint(1), "a uint"}, {[]int{}, "a []int"}, {nil, "nil"}} {
		if got := aType(reflect.TypeOf(c.of)); got != c.want {
			t.Errorf("%v: %q, want %q", c.of, got, c.want)
		}
	}
}
