package account_test

import (
	"os"
	"testing"

	"github.com/merlon-web/merlon/internal/e2e/need"
)

func TestMain(m *testing.M) { os.Exit(need.Main(m)) }
