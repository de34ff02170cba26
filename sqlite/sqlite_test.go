package sqlite_test

import (
	"testing"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/db/enginetest"
	"github.com/merlon-web/merlon/sqlite"
)

func TestEngine(t *testing.T) {
	enginetest.Run(t, func(*testing.T) db.Engine { return sqlite.Engine("suite.db") })
}
