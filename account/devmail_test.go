package account_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/merlon-web/merlon"
)

// TestSentPagesLeadToTheMails: in development, on this machine, the page that says that a mail was sent leads to where it is
// read; elsewhere it does not.
func TestSentPagesLeadToTheMails(t *testing.T) {
	for _, mode := range []merlon.Mode{merlon.Development, merlon.Test} {
		s, err := open(merlon.Env{Data: t.TempDir(), Mode: mode, Log: slog.New(slog.DiscardHandler)})
		if err == nil {
			err = s.Start(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close(t.Context()) })
		for _, path := range []string{"/sign-up/sent", "/account/reset/sent"} {
			for from, local := range map[string]bool{"127.0.0.1:4000": true, "192.0.2.7:4000": false} {
				r := httptest.NewRequest(http.MethodGet, s.Origin()+path, nil)
				r.RemoteAddr = from
				answer := httptest.NewRecorder()
				s.ServeHTTP(answer, r)
				leads := strings.Contains(answer.Body.String(), `href="/_merlon/dev/mail"`)
				if want := local && mode == merlon.Development; answer.Code != http.StatusOK || leads != want {
					t.Errorf("mode %v, %s from %s: %d, leads to the mails %v, want %v: %s", mode, path, from, answer.Code, leads, want, answer.Body)
				}
			}
		}
	}
}
