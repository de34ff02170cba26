package passkey_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"regexp"
	"testing"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"

	"github.com/merlon-web/merlon/merlontest"
)

// The flags of authenticator data (WebAuthn 3, 6.1).
const (
	present  = 1 << 0
	verified = 1 << 2
	eligible = 1 << 3
	backed   = 1 << 4
	attested = 1 << 6
)

// device is an authenticator in software: one P-256 key. Tests change its fields to lie.
type device struct {
	t       *testing.T
	key     *ecdsa.PrivateKey
	id      []byte
	handle  []byte
	rpID    string
	origin  string
	kind    string // of the client data, instead of the right one
	flags   byte
	counter uint32
	codes   []string // the recovery codes that came with it
}

func newDevice(t *testing.T, s *merlontest.Server) *device {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	d := &device{t: t, key: key, id: make([]byte, 32), rpID: "test.localhost", origin: s.Site.Origin(), flags: present | verified}
	_, _ = rand.Read(d.id)
	return d
}

// asked is what a page asks the browser for.
type asked struct {
	Challenge string `json:"challenge"`
	RPID      string `json:"rpId"`
	Verify    string `json:"userVerification"`
	User      struct {
		ID string `json:"id"`
	} `json:"user"`
	Exclude []struct {
		ID string `json:"id"`
	} `json:"excludeCredentials"`
	Selection struct {
		Resident string `json:"residentKey"`
		Verify   string `json:"userVerification"`
	} `json:"authenticatorSelection"`
	Attestation string `json:"attestation"`
	Params      []struct {
		Alg int `json:"alg"`
	} `json:"pubKeyCredParams"`
}

var askBlock = regexp.MustCompile(`(?s)<script type="application/json" id="passkey-ask">(.*?)</script>`)

// askOf reads the data block of the visitor's last page, as the script does.
func askOf(t *testing.T, v *merlontest.Visitor) (a asked) {
	t.Helper()
	m := askBlock.FindStringSubmatch(v.Body)
	if m == nil {
		t.Fatalf("%s has no data block:\n%s", v.Path, v.Body)
	}
	if err := json.Unmarshal([]byte(m[1]), &a); err != nil {
		t.Fatal(err)
	}
	return a
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (d *device) clientData(kind, challenge string) []byte {
	if d.kind != "" {
		kind = d.kind
	}
	return d.json(map[string]any{"type": kind, "challenge": challenge, "origin": d.origin, "crossOrigin": false})
}

func (d *device) json(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		d.t.Fatal(err)
	}
	return b
}

func (d *device) cbor(v any) []byte {
	b, err := webauthncbor.Marshal(v)
	if err != nil {
		d.t.Fatal(err)
	}
	return b
}

func (d *device) head(flags byte) []byte {
	rp := sha256.Sum256([]byte(d.rpID))
	return binary.BigEndian.AppendUint32(append(rp[:], flags), d.counter)
}

// create answers a registration and remembers the handle.
func (d *device) create(a asked) string {
	var err error
	if d.handle, err = base64.RawURLEncoding.DecodeString(a.User.ID); err != nil {
		d.t.Fatal(err)
	}
	point, err := d.key.PublicKey.Bytes()
	if err != nil {
		d.t.Fatal(err)
	}
	auth := append(d.head(d.flags|attested), make([]byte, 16)...)
	auth = append(binary.BigEndian.AppendUint16(auth, uint16(len(d.id))), d.id...)
	auth = append(auth, d.cbor(map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]})...)
	object := d.cbor(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": auth})
	return d.answer(map[string]any{"clientDataJSON": b64(d.clientData("webauthn.create", a.Challenge)), "attestationObject": b64(object),
		"transports": []string{"internal", "made-up"}})
}

// get answers a sign-in, and counts.
func (d *device) get(a asked) string {
	d.counter++
	client, auth := d.clientData("webauthn.get", a.Challenge), d.head(d.flags)
	sum := sha256.Sum256(client)
	digest := sha256.Sum256(append(append([]byte(nil), auth...), sum[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, d.key, digest[:])
	if err != nil {
		d.t.Fatal(err)
	}
	return d.answer(map[string]any{"clientDataJSON": b64(client), "authenticatorData": b64(auth), "signature": b64(signature), "userHandle": b64(d.handle)})
}

func (d *device) answer(response map[string]any) string {
	return string(d.json(map[string]any{"id": b64(d.id), "rawId": b64(d.id), "type": "public-key", "response": response,
		"clientExtensionResults": map[string]any{"credProps": map[string]any{"rk": true}}}))
}

var recoveryCode = regexp.MustCompile(`<code>([0-9A-Z]{4}(?:-[0-9A-Z]{4}){5})</code>`)

// add registers the device for a visitor who is signed in, and keeps the recovery codes that come with the first one.
func (d *device) add(v *merlontest.Visitor, name string) *merlontest.Visitor {
	d.t.Helper()
	v.Get("/account/passkeys/add").Is(200)
	v.Submit("/account/passkeys/add", merlontest.Values{"Name": name, "Answer": d.create(askOf(d.t, v))})
	if v.Path != "/account/codes" {
		return v
	}
	d.codes = nil
	for _, m := range recoveryCode.FindAllStringSubmatch(v.Body, -1) {
		d.codes = append(d.codes, m[1])
	}
	if len(d.codes) != 10 {
		d.t.Fatalf("%d recovery codes, want 10:\n%s", len(d.codes), v.Text())
	}
	return v.Submit("/account/codes/kept", merlontest.Values{"Last": d.codes[2][25:]})
}

// signIn signs a visitor in on the sign-in page.
func (d *device) signIn(v *merlontest.Visitor) *merlontest.Visitor {
	d.t.Helper()
	v.Get("/sign-in").Is(200)
	return v.Submit("/passkey/sign-in", merlontest.Values{"Answer": d.get(askOf(d.t, v))})
}
