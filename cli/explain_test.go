package cli_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/cli"
	"github.com/merlon-web/merlon/sqlite"
)

// TestExplainFindsWords: who looks for words of the compiler, or of SQL, finds the rule that they stand in.
func TestExplainFindsWords(t *testing.T) {
	open := func(env merlon.Env) (*merlon.Site, error) {
		return merlon.New(env, merlon.Config{Name: "bare", Engine: sqlite.Engine("bare.db")})
	}
	for words, want := range map[string]string{"db.constant value": "MRL-SQL-001", "not enough arguments": "MRL-ROUTE-002", "as *db.Writer value": "MRL-SQL-007", "order by {0}": "MRL-SQL-009"} {
		var out, problems bytes.Buffer
		if code := cli.Run(t.Context(), open, []string{"explain", words, "--data", t.TempDir()}, &out, &problems); code != 0 || !strings.Contains(out.String(), want) {
			t.Errorf("%q: %d, no %s: %s%s", words, code, want, &out, &problems)
		}
	}
}
