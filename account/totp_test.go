package account

import (
	"strings"
	"testing"
	"time"

	barcode "github.com/boombuler/barcode/qr"

	"github.com/merlon-web/merlon/internal/qr"
)

// TestRFC6238 holds the codes against appendix B of RFC 6238: six digits are the last six of its eight.
func TestRFC6238(t *testing.T) {
	secret := []byte("12345678901234567890")
	for at, want := range map[int64]string{59: "94287082", 1111111109: "07081804", 1111111111: "14050471", 1234567890: "89005924",
		2000000000: "69279037", 20000000000: "65353130"} {
		got, err := codeAt(secret, at/totpStep)
		if err != nil || got != want[2:] {
			t.Errorf("at %d: %s, %v; want %s", at, got, err, want[2:])
		}
	}
}

func TestDrift(t *testing.T) {
	now := time.Unix(1_800_000_015, 0)
	present := now.Unix() / totpStep
	secret := newTOTPSecret()
	if len(secret) != 20 {
		t.Fatalf("a secret of %d bytes", len(secret))
	}
	for !allDiffer(t, secret, present) { // codes have six digits: of six hundred two are the same now and then
		secret = newTOTPSecret()
	}
	for steps := int64(-300); steps <= 300; steps++ {
		code, err := codeAt(secret, present+steps)
		if err != nil {
			t.Fatal(err)
		}
		step, ok, err := matchTOTP(secret, code, now, totpDrift, totpDrift)
		if err != nil {
			t.Fatal(err)
		}
		want := steps >= -1 && steps <= 1
		if ok && step != present+steps || ok && !want || !ok && want {
			if _, twin, _ := matchTOTP(secret, code, now, totpDrift, totpDrift); !twin || want {
				t.Errorf("%+d steps: %v, step %d", steps, ok, step-present)
			}
		}
		late, err := lateBy(secret, code, now)
		if err != nil {
			t.Fatal(err)
		}
		if wrong := late != 0 && (steps > -2 || steps < -totpSkew); wrong || late == 0 && steps <= -2 && steps >= -totpSkew {
			t.Errorf("%+d steps: told to be %d late", steps, late)
		}
	}
}

// allDiffer reports whether no two codes around the present step are the same.
func allDiffer(t *testing.T, secret []byte, present int64) bool {
	seen := map[string]bool{}
	for s := present - 600; s <= present+600; s++ {
		code, err := codeAt(secret, s)
		if err != nil {
			t.Fatal(err)
		}
		if seen[code] {
			return false
		}
		seen[code] = true
	}
	return true
}

func TestReadCode(t *testing.T) {
	for typed, want := range map[string]typedCode{
		"123456":                          {app: "123456"},
		" 123 456 ":                       {app: "123456"},
		"12345":                           {},
		"1234567":                         {},
		"１２３４５６":                          {},
		"abcd-efgh-jkmn-pqrs-tvwx-yz01":   {recovery: "ABCDEFGHJKMNPQRSTVWXYZ01"},
		"OIL0 1111 2222 3333 4444 5555":   {recovery: "011011112222333344445555"},
		"abcd-efgh-jkmn-pqrs-tvwx-yz0":    {},
		"abcd-efgh-jkmn-pqrs-tvwx-yz0u":   {},
		"'; DROP TABLE merlon_totp; -- 1": {},
	} {
		if got := readCode(typed); got != want {
			t.Errorf("%q: %+v, want %+v", typed, got, want)
		}
	}
	if code := newRecoveryCode(); readCode(grouped(code, "-")).recovery != code || len(code)*5 < 112 {
		t.Errorf("a new code is not read again, or is too short for a plain hash: %d characters", len(code))
	}
}

func TestQR(t *testing.T) {
	link, err := totpAddress("Club & Söhne", "ann@example.test", []byte("12345678901234567890"))
	if err != nil || !strings.HasPrefix(link, "otpauth://totp/Club%20&%20S%C3%B6hne:ann@example.test?") || !strings.Contains(link, "secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ") {
		t.Fatalf("%s, %v", link, err)
	}
	code, err := barcode.Encode(link, barcode.M, barcode.Auto)
	if err != nil {
		t.Fatal(err)
	}
	size := code.Bounds().Dx()
	picture, err := qr.Draw(link)
	if err != nil || picture.Side != size+8 {
		t.Fatalf("%d modules, %v", picture.Side, err)
	}
	drawn := map[[2]int]bool{}
	for _, row := range picture.Rows {
		x := 0
		for _, run := range row.Runs {
			x += run.Gap
			for range run.Width {
				drawn[[2]int{x, row.Y}] = true
				x++
			}
		}
	}
	for y := range size {
		for x := range size {
			r, _, _, _ := code.At(x, y).RGBA()
			if dark := r < 0x8000; dark != drawn[[2]int{x, y}] {
				t.Fatalf("module %d, %d is drawn %v, and is %v", x, y, drawn[[2]int{x, y}], dark)
			}
		}
	}
}
