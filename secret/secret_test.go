package secret_test

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/secret"
)

func TestNothingPrintsASecret(t *testing.T) {
	const canary = "hunter2-canary"
	type account struct {
		Name string
		Pass secret.String
		Key  secret.Bytes
		pass secret.String // fmt cannot call the methods of what is not exported
		key  secret.Bytes
	}
	held := account{"ann", secret.New(canary), secret.NewBytes([]byte(canary)), secret.New(canary), secret.NewBytes([]byte(canary))}
	decimal := strings.Trim(fmt.Sprint([]byte(canary)[:6]), "[]")
	_, _ = held.pass, held.key
	hex := fmt.Sprintf("%x", canary)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p", "%t", "%e", "%T %v"} {
		for _, v := range []any{held, &held, held.Pass, held.Key, []secret.String{held.Pass}, map[string]secret.Bytes{"a": held.Key}} {
			got := fmt.Sprintf(verb, v)
			if strings.Contains(got, canary) || strings.Contains(strings.ToLower(got), hex) || strings.Contains(got, decimal) {
				t.Errorf("Sprintf(%q, %T) printed the secret: %s", verb, v, got)
			}
		}
	}
	for _, handler := range []func(*bytes.Buffer) slog.Handler{
		func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var log bytes.Buffer
		slog.New(handler(&log)).Info("x", "pass", held.Pass, "key", held.Key, "all", held)
		if strings.Contains(log.String(), canary) {
			t.Errorf("slog printed the secret: %s", &log)
		}
		if !strings.Contains(log.String(), "[redacted]") {
			t.Errorf("slog printed %s, want [redacted]", &log)
		}
	}
	for _, v := range []any{held, held.Pass, held.Key, &held.Pass, []secret.String{held.Pass}} { // each by itself: one that fails hides another
		if out, err := json.Marshal(v); !errors.Is(err, secret.ErrMarshal) {
			t.Errorf("json.Marshal(%T) = %s, %v; want ErrMarshal", v, out, err)
		}
	}
	for _, v := range []encoding.TextMarshaler{held.Pass, held.Key} {
		if out, err := v.MarshalText(); !errors.Is(err, secret.ErrMarshal) {
			t.Errorf("MarshalText of %T = %s, %v; want ErrMarshal", v, out, err)
		}
	}
}

func TestASecretStillWorks(t *testing.T) {
	a, b := secret.New("x"), secret.New("x")
	if a.Reveal() != "x" || !a.Equal(b) || a.Equal(secret.New("y")) || a.Empty() || !(secret.String{}).Empty() {
		t.Error("Reveal, Equal or Empty is wrong")
	}
	raw := []byte{1, 2}
	k := secret.NewBytes(raw)
	raw[0] = 9
	if k.Reveal()[0] != 1 {
		t.Error("NewBytes did not copy")
	}
}
