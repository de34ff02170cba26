package passkey_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"testing"

	"github.com/merlon-web/merlon/merlontest"
)

// createRSA answers like create, with a public key of RSA that nobody has the private one of.
func (d *device) createRSA(a asked, n, e []byte) string {
	d.handle, _ = base64.RawURLEncoding.DecodeString(a.User.ID)
	auth := append(d.head(d.flags|attested), make([]byte, 16)...)
	auth = append(binary.BigEndian.AppendUint16(auth, uint16(len(d.id))), d.id...)
	auth = append(auth, d.cbor(map[int]any{1: 3, 3: -257, -1: n, -2: e})...)
	object := d.cbor(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": auth})
	return d.answer(map[string]any{"clientDataJSON": b64(d.clientData("webauthn.create", a.Challenge)), "attestationObject": b64(object), "transports": []string{"internal"}})
}

// TestKeysOfRSA: one that costs a processor half a second each time somebody sends a signature is no passkey.
func TestKeysOfRSA(t *testing.T) {
	s := withPassword(t)
	for _, c := range []struct {
		bits   int
		e      []byte
		status int
	}{
		{1024, []byte{1, 0, 1}, 422}, {2048, []byte{1, 0, 1}, 200}, {4096, []byte{1, 0, 1}, 200}, {4104, []byte{1, 0, 1}, 422}, {88000, []byte{1, 0, 1}, 422},
		{2048, []byte{3}, 422}, {2048, []byte{0x7f, 0xff, 0xff, 0xff}, 422},
	} {
		v, d := byPassword(s, annsPassword), newDevice(t, s)
		n := make([]byte, c.bits/8)
		_, _ = rand.Read(n)
		n[0] |= 0x80
		n[len(n)-1] |= 1
		v.Get("/account/passkeys/add")
		if v.Submit("/account/passkeys/add", merlontest.Values{"Name": "rsa", "Answer": d.createRSA(askOf(t, v), n, c.e)}); v.Status != c.status {
			t.Errorf("%d bits, exponent %v: %d %s, want %d", c.bits, c.e, v.Status, v.Path, c.status)
		}
		if c.status == 200 { // a password does not do any more
			s = withPassword(t)
		}
	}
}
