package passkey

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
)

// What no link leads to in this room lies behind a passkey. Each approach has an authenticator of its own, in software, and makes
// its user's passkey on the page that everybody uses.

// A keyholder is an authenticator in software: one P-256 key, for a user who is made for one approach.
type keyholder struct {
	p      *part
	b      merlon.Browser
	user   account.Comer
	key    *ecdsa.PrivateKey
	id     []byte
	handle []byte
	uses   uint32
}

// approach is one that begins with a new user, who is signed in by a password, and an authenticator without a passkey.
func (p *part) approach(name string, signedIn bool, walk func(context.Context, *keyholder) (typed map[string]string, err error)) merlon.Approach {
	return merlon.Approach{Name: name, SignedIn: signedIn, Go: func(ctx context.Context, h *merlon.House, b merlon.Browser) (map[string]string, error) {
		k := &keyholder{p: p, b: b, id: make([]byte, 32)}
		_, _ = rand.Read(k.id)
		var err error
		if k.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return nil, err
		}
		if k.user, err = account.Comes(ctx, h); err != nil {
			return nil, err
		}
		b.SetCookie(k.user.Cookie)
		return walk(ctx, k)
	}}
}

func (p *part) approaches() []merlon.Approach {
	return []merlon.Approach{
		p.approach("who adds a passkey", true, func(ctx context.Context, k *keyholder) (map[string]string, error) {
			answer, err := k.create(ctx)
			return map[string]string{"Answer": answer}, err
		}),
		p.approach("who has a passkey", true, func(ctx context.Context, k *keyholder) (map[string]string, error) {
			if err := k.add(ctx); err != nil {
				return nil, err
			}
			if err := k.loads(ctx, "/account/passkeys"); err != nil {
				return nil, err
			}
			return nil, k.loads(ctx, ownPage.FindString(k.b.Body()))
		}),
		p.approach("who signs in by a passkey", false, func(ctx context.Context, k *keyholder) (map[string]string, error) {
			if err := k.add(ctx); err != nil {
				return nil, err
			}
			if err := k.signsOut(ctx); err != nil {
				return nil, err
			}
			answer, err := k.get(ctx)
			return map[string]string{"Answer": answer}, err
		}),
		p.approach("who has lost the passkey", true, func(ctx context.Context, k *keyholder) (map[string]string, error) {
			if err := k.add(ctx); err != nil {
				return nil, err
			}
			code := shownCode.FindStringSubmatch(k.b.Body())
			if code == nil {
				return nil, errors.New("passkey: no recovery code was shown beside the first passkey")
			}
			if err := k.signsOut(ctx); err != nil {
				return nil, err
			}
			if err := k.loads(ctx, "/sign-in"); err != nil {
				return nil, err
			}
			if _, err := k.b.Submit(ctx, "/sign-in", map[string]string{"Email": k.user.Email, "Password": k.user.Password}); err != nil {
				return nil, err
			}
			if status, err := k.b.Get(ctx, "/account/passkeys/add"); err != nil || status != http.StatusOK || !strings.HasPrefix(k.b.Path(), "/sign-in/again") {
				return nil, errors.Join(fmt.Errorf("passkey: who signed in by the password alone was not asked for more: %s answered %d", k.b.Path(), status), err)
			}
			return map[string]string{"Code": code[1]}, nil
		}),
	}
}

var (
	askBlock  = regexp.MustCompile(`(?s)<script type="application/json" id="passkey-ask">(.*?)</script>`)
	ownPage   = regexp.MustCompile(`/account/passkeys/\d+`)
	shownCode = regexp.MustCompile(`<code>([0-9A-Z]{4}(?:-[0-9A-Z]{4}){5})</code>`)
)

// loads loads a page and makes sure that it was shown.
func (k *keyholder) loads(ctx context.Context, path string) error {
	if status, err := k.b.Get(ctx, path); err != nil || status != http.StatusOK || k.b.Path() != path {
		return errors.Join(fmt.Errorf("passkey: %s was to be seen, and %s answered %d", path, k.b.Path(), status), err)
	}
	return nil
}

// asked reads into what what the page asks the browser for, as the script does.
func (k *keyholder) asked(ctx context.Context, path string, what any) error {
	if err := k.loads(ctx, path); err != nil {
		return err
	}
	m := askBlock.FindStringSubmatch(k.b.Body())
	if m == nil {
		return fmt.Errorf("passkey: %s asks for no passkey", path)
	}
	return json.Unmarshal([]byte(m[1]), what)
}

// The flags of authenticator data (WebAuthn 3, 6.1): the user is present, was verified, the credential's data follows.
const (
	flagPresent  = 1 << 0
	flagVerified = 1 << 2
	flagData     = 1 << 6
)

func (k *keyholder) data(flags byte) []byte {
	name := sha256.Sum256([]byte(k.p.rpID))
	k.uses++
	return binary.BigEndian.AppendUint32(append(name[:], flags|flagPresent|flagVerified), k.uses)
}

func (k *keyholder) client(kind, challenge string) []byte {
	b, _ := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": k.p.house.URL(""), "crossOrigin": false})
	return b
}

// answer is what the page's script would fill in.
func (k *keyholder) answer(response map[string]any) (string, error) {
	id := b64.EncodeToString(k.id)
	b, err := json.Marshal(map[string]any{"id": id, "rawId": id, "type": "public-key", "response": response, "clientExtensionResults": map[string]any{}})
	return string(b), err
}

// create is the answer to the page on which a passkey is added.
func (k *keyholder) create(ctx context.Context) (string, error) {
	var ask Creation
	if err := k.asked(ctx, "/account/passkeys/add", &ask); err != nil {
		return "", err
	}
	var err error
	if k.handle, err = b64.DecodeString(ask.User.ID); err != nil {
		return "", err
	}
	point, err := k.key.PublicKey.Bytes()
	if err != nil {
		return "", err
	}
	public, err := webauthncbor.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]}) // COSE: EC2, ES256, P-256
	if err != nil {
		return "", err
	}
	data := append(k.data(flagData), make([]byte, 16)...)
	data = append(binary.BigEndian.AppendUint16(data, uint16(len(k.id))), k.id...)
	object, err := webauthncbor.Marshal(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": append(data, public...)})
	if err != nil {
		return "", err
	}
	return k.answer(map[string]any{"clientDataJSON": b64.EncodeToString(k.client("webauthn.create", ask.Challenge)), "attestationObject": b64.EncodeToString(object)})
}

// get is the answer to the page on which one signs in.
func (k *keyholder) get(ctx context.Context) (string, error) {
	var ask account.Ask
	if err := k.asked(ctx, "/passkey/sign-in", &ask); err != nil {
		return "", err
	}
	client, data := k.client("webauthn.get", ask.Challenge), k.data(0)
	sum := sha256.Sum256(client)
	digest := sha256.Sum256(append(append([]byte(nil), data...), sum[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, k.key, digest[:])
	if err != nil {
		return "", err
	}
	return k.answer(map[string]any{"clientDataJSON": b64.EncodeToString(client), "authenticatorData": b64.EncodeToString(data),
		"signature": b64.EncodeToString(signature), "userHandle": b64.EncodeToString(k.handle)})
}

// add adds the passkey. The page that follows shows the recovery codes.
func (k *keyholder) add(ctx context.Context) error {
	answer, err := k.create(ctx)
	if err != nil {
		return err
	}
	status, err := k.b.Submit(ctx, "/account/passkeys/add", map[string]string{"Name": "Drill", "Answer": answer})
	if err == nil && (status != http.StatusOK || k.b.Path() != "/account/codes") {
		err = fmt.Errorf("passkey: none was added: %s answered %d", k.b.Path(), status)
	}
	return err
}

func (k *keyholder) signsOut(ctx context.Context) error {
	status, err := k.b.Submit(ctx, "/sign-out", nil)
	if err == nil && status >= http.StatusBadRequest && k.b.Path() == "/sign-out" {
		err = fmt.Errorf("passkey: the user was not signed out: %s answered %d", k.b.Path(), status)
	}
	return err
}
