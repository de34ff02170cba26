package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/merlon-web/merlon"
)

// Whoever is only told of failures hears nothing of a machine that is gone. So an address outside is asked for after each drill that
// passed, and whoever watches it raises the alarm when nothing has come for a day: a dead man's switch.

// Measures of it.
const (
	pingTime  = 10 * time.Second // for one try
	pingTries = 3
	pingRest  = 500 * time.Millisecond // between two
)

// parsePing judges the address: it may hold a secret, which must not go over a network that others read.
func parsePing(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
		return merlon.Misused("--ping takes an address that begins with https:// (http:// on this machine alone)")
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// ping asks for the address of the settings. What fails is in the log: who watches it tells.
func (p *part) ping(ctx context.Context, h *merlon.House) {
	setup, err := ReadSetup(h.Data)
	if err != nil || setup.Ping == "" {
		return
	}
	err = parsePing(setup.Ping) // nobody parsed settings that were written by hand
	for try := 0; err == nil; try++ {
		if err = pingOnce(ctx, setup.Ping); err == nil {
			return
		}
		if try+1 < pingTries && ctx.Err() == nil {
			time.Sleep(pingRest)
			err = nil
		}
	}
	h.Log.LogAttrs(ctx, slog.LevelError, "nobody outside could be told that the drill passed", slog.String("problem", err.Error()))
}

// pingOnce asks once. Its errors do not repeat the address.
func pingOnce(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, pingTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return errors.New("backup: the address in the settings is none")
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	if err != nil {
		if inner, ok := errors.AsType[*url.Error](err); ok { // without the address
			err = inner.Err
		}
		return fmt.Errorf("backup: %s: %w", r.URL.Hostname(), err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10))
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("backup: %s answered %d, where 2xx counts", r.URL.Hostname(), res.StatusCode)
	}
	return nil
}
