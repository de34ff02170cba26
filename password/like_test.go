package password_test

import (
	"testing"

	"github.com/merlon-web/merlon/password"
	"github.com/merlon-web/merlon/secret"
)

// A hash of another program costs what its kind says, for nobody as for somebody, and matches nobody.
func TestVerifyNobodyLike(t *testing.T) {
	const django = "pbkdf2_sha1$1000$Zc8Wm0o1mRcD2q7y3xKJ5t$R1xmE3F3DmUrIbOE3l+LBlEL/3I="
	s, h := open(t), hasher(t, nil)
	own, err := h.Hash(t.Context(), secret.New("correct horse battery staple"), password.From{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		like    string
		foreign uint64
	}{{django, 1}, {own, 0}, {"", 0}, {"!", 0}, {"md5$salt$d8c25f4e9007529faab7b99f19856ffe", 0}, {"nonsense", 0}} {
		before := h.Stats()
		result, err := h.VerifyNobodyLike(t.Context(), s.permit(), c.like, secret.New("correct horse battery staple"), password.From{})
		if err != nil || result.OK {
			t.Errorf("%.12q: %+v, %v", c.like, result, err)
		}
		after := h.Stats()
		if after.Hashed-before.Hashed != 1 || after.Foreign-before.Foreign != c.foreign {
			t.Errorf("%.12q: %d hashes, %d of another program's kind; want 1 and %d", c.like, after.Hashed-before.Hashed, after.Foreign-before.Foreign, c.foreign)
		}
		if kind := h.Kind(c.like); (kind != "") != (c.foreign == 1) {
			t.Errorf("%.12q is of kind %q", c.like, kind)
		}
	}
	costlier := hasher(t, func(c *password.Config) { c.Params = password.Params{Memory: 32 << 10, Time: 3} })
	if kind := costlier.Kind(own); kind == "" || costlier.Kind(hash(t, costlier, right)) != "" {
		t.Errorf("a hash of other costs is of kind %q", kind)
	}
	if _, err := costlier.VerifyNobodyLike(t.Context(), s.permit(), own, secret.New("wrong"), password.From{}); err != nil || costlier.Stats().Foreign != 1 {
		t.Errorf("nobody like a hash of other costs: %+v, %v", costlier.Stats(), err)
	}
	before := h.Stats().Foreign
	if _, err := h.Verify(t.Context(), s.permit(), django, secret.New("wrong"), password.From{}); err != nil {
		t.Fatal(err)
	}
	if h.Stats().Foreign != before+1 {
		t.Error("Verify does not count it")
	}
}
