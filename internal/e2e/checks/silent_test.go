package checks_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/outbound/fetch"
	"github.com/merlon-web/merlon/password"
)

// silentList is a list of breached passwords at an address that is never asked: nothing of it is reached.
func silentList() *password.Breaches {
	client, err := fetch.New(fetch.Config{Hosts: []string{"127.0.0.1"}})
	if err != nil {
		panic(err)
	}
	return password.NewBreaches(client, fetch.At("https://127.0.0.1/range/{}"))
}

var formToken = regexp.MustCompile(`action="/sign-up"[^>]*>\s*<input type="hidden" name="([^"]+)" value="([^"]+)"`)

// signUpOnce signs up as a browser does, so that the list is asked.
func signUpOnce(t *testing.T, s *merlon.Site, _ string) {
	origin := s.Origin()
	r := httptest.NewRequest(http.MethodGet, origin+"/sign-up", nil)
	page := httptest.NewRecorder()
	s.ServeHTTP(page, r)
	token := formToken.FindStringSubmatch(page.Body.String())
	if token == nil {
		t.Fatalf("no form: %d %s", page.Code, page.Body)
	}
	fields := url.Values{token[1]: {token[2]}, "Name": {"Ben"}, "Email": {"ben@example.org"}, "Password": {"four wide green rivers"}}
	r = httptest.NewRequest(http.MethodPost, origin+"/sign-up", strings.NewReader(fields.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", origin)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for _, c := range page.Result().Cookies() {
		r.AddCookie(c)
	}
	answer := httptest.NewRecorder()
	s.ServeHTTP(answer, r)
	if answer.Code != http.StatusSeeOther {
		t.Fatalf("sign-up: %d %s", answer.Code, answer.Body)
	}
}
