package db_test

import (
	"slices"
	"testing"

	"github.com/merlon-web/merlon/db"
)

// TestNearby: columns of tables that the text names come alone, those of others if it names none.
func TestNearby(t *testing.T) {
	s := db.From(files, "testdata/plain")
	for _, one := range []struct {
		of          *db.Text
		known, want []string
	}{
		{db.TextOf(db.Query[int64](s, "SELECT nmae FROM Item WHERE rank = $1")), []string{"item.name", "item.rank", "other.nmaes"}, []string{"name", "rank"}},
		{db.TextOf(db.Query[int64](s, "SELECT nmae FROM items")), []string{"item.name", "other.nmaes"}, []string{"name", "nmaes"}},
		{db.TextOf(db.Query[int64](s, "SELECT x FROM itme")), []string{"item", "other"}, []string{"item", "other"}},
		{db.TextOf(db.Query[int64](s, "SELECT x FROM a_b")), []string{"a.name", "b.name"}, []string{"name", "name"}},
		{db.TextOf(db.Query[int64](s, "SELECT x")), nil, nil},
	} {
		if got := one.of.Nearby(one.known); !slices.Equal(got, one.want) {
			t.Errorf("%s of %v: %v, want %v", one.of.SQL('?'), one.known, got, one.want)
		}
	}
}
