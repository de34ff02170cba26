package passkey

import (
	"bytes"
	"errors"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/merlon-web/merlon/db"
)

// A row is one passkey.
type row struct {
	ID         int64
	User       int64
	Credential []byte
	Public     []byte
	AAGUID     []byte `db:"aaguid"`
	Counter    int64
	Eligible   int64
	Backed     int64
	Transports string
	Name       string
	Created    int64
	Used       int64
}

type count struct{ N int64 }

type handleRow struct{ Handle []byte }

type usedRow struct{ Expires int64 }

// maxPasskeys is how many passkeys a user may have: a registration names them all, and no person has more devices.
const maxPasskeys = 25

var (
	findPasskey   = db.Query[row](schema, "SELECT id, \"user\", credential, public, aaguid, counter, eligible, backed, transports, name, created, used FROM merlon_passkey WHERE credential = $1 LIMIT 1")
	ofUser        = db.Query[row](schema, "SELECT id, \"user\", credential, public, aaguid, counter, eligible, backed, transports, name, created, used FROM merlon_passkey WHERE \"user\" = $1 ORDER BY id LIMIT $2")
	oneOfUser     = db.Query[row](schema, "SELECT id, \"user\", credential, public, aaguid, counter, eligible, backed, transports, name, created, used FROM merlon_passkey WHERE id = $1 AND \"user\" = $2 LIMIT 1")
	countPasskeys = db.Query[count](schema, "SELECT count(*) AS n FROM merlon_passkey WHERE \"user\" = $1 LIMIT 1")
	insertPasskey = db.Returning[int64](schema, "INSERT INTO merlon_passkey (\"user\", credential, public, aaguid, counter, eligible, backed, transports, name, created) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id")
	usePasskey    = db.Exec(schema, "UPDATE merlon_passkey SET counter = $2, backed = $3, used = $4 WHERE id = $1")
	renamePasskey = db.Exec(schema, "UPDATE merlon_passkey SET name = $3 WHERE id = $1 AND \"user\" = $2")
	deletePasskey = db.Exec(schema, "DELETE FROM merlon_passkey WHERE id = $1 AND \"user\" = $2")
	deleteAll     = db.Exec(schema, "DELETE FROM merlon_passkey WHERE \"user\" = $1")

	findHandle   = db.Query[handleRow](schema, "SELECT handle FROM merlon_passkey_handle WHERE \"user\" = $1 LIMIT 1")
	insertHandle = db.Exec(schema, "INSERT INTO merlon_passkey_handle (\"user\", handle) VALUES ($1, $2)")
	deleteHandle = db.Exec(schema, "DELETE FROM merlon_passkey_handle WHERE \"user\" = $1")

	findUsed   = db.Query[usedRow](schema, "SELECT expires FROM merlon_passkey_challenge WHERE hash = $1 LIMIT 1")
	insertUsed = db.Exec(schema, "INSERT INTO merlon_passkey_challenge (hash, expires) VALUES ($1, $2)")
	sweepUsed  = db.Exec(schema, "DELETE FROM merlon_passkey_challenge WHERE expires < $1")
)

// handleOf returns what authenticators know the user by, nil as long as there is no passkey.
func handleOf(q db.Querier, user int64) ([]byte, error) {
	h, err := findHandle.One(q, user)
	if errors.Is(err, db.ErrNoRow) {
		return nil, nil
	}
	return h.Handle, err
}

// holder is a user as package webauthn wants to see one.
type holder struct {
	handle []byte
	keys   []webauthn.Credential
}

// WebAuthnID implements [webauthn.User].
func (h holder) WebAuthnID() []byte { return h.handle }

// WebAuthnName implements [webauthn.User]; options are made here, so that nobody asks.
func (holder) WebAuthnName() string { return "" }

// WebAuthnDisplayName implements [webauthn.User].
func (holder) WebAuthnDisplayName() string { return "" }

// WebAuthnCredentials implements [webauthn.User].
func (h holder) WebAuthnCredentials() []webauthn.Credential { return h.keys }

// credential is the row as package webauthn wants to see it.
func (r row) credential() webauthn.Credential {
	c := webauthn.Credential{ID: r.Credential, PublicKey: r.Public}
	c.Flags.BackupEligible, c.Flags.BackupState = r.Eligible != 0, r.Backed != 0
	c.Authenticator.AAGUID, c.Authenticator.SignCount = r.AAGUID, uint32(r.Counter)
	return c
}

// transports are the ways to the authenticator that the browser may try; words that WebAuthn does not know are left out.
func transports(all []protocol.AuthenticatorTransport) string {
	var known []string
	for _, t := range all {
		switch t {
		case protocol.USB, protocol.NFC, protocol.BLE, protocol.SmartCard, protocol.Hybrid, protocol.Internal:
			known = append(known, string(t))
		}
	}
	return strings.Join(known, ",")
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// countOf implements account.Way.Count.
func countOf(q db.Querier, user int64) (int, error) {
	c, err := countPasskeys.One(q, user)
	return int(c.N), err
}

// deleteOf implements account.Way.Delete.
func deleteOf(w *db.Writer, user int64) error {
	if _, err := deleteAll.Run(w, user); err != nil {
		return err
	}
	_, err := deleteHandle.Run(w, user)
	return err
}

var dropAdded = db.Exec(schema, "DELETE FROM merlon_passkey WHERE \"user\" = $1 AND created >= $2 AND created <= $3")

// deleteAdded implements account.Way.DeleteAdded.
func deleteAdded(w *db.Writer, user, from, to int64) error {
	_, err := dropAdded.Run(w, user, from, to)
	return err
}

// An Exported is a passkey in the file of "download my data".
type Exported struct {
	Name    string    `json:"name"`
	Added   time.Time `json:"added"`
	Used    time.Time `json:"used,omitzero"`
	Copied  bool      `json:"copied_to_other_devices"`
	AAGUID  []byte    `json:"aaguid"` // which model of authenticator, zeros: not told
	Key     []byte    `json:"public_key"`
	Counter int64     `json:"counter"`
}

// exportOf implements account.Way.Export.
func exportOf(q db.Querier, user int64) (any, error) {
	rows, err := ofUser.All(q, user, maxPasskeys)
	all := make([]Exported, 0, len(rows))
	for _, r := range rows {
		e := Exported{Name: r.Name, Added: time.UnixMicro(r.Created).UTC(), Copied: r.Backed != 0, AAGUID: r.AAGUID, Key: r.Public, Counter: r.Counter}
		if r.Used != 0 {
			e.Used = time.UnixMicro(r.Used).UTC()
		}
		all = append(all, e)
	}
	return all, err
}

// same reports whether two rows are the same passkey with the same key.
func (r row) same(other row) bool {
	return r.ID == other.ID && r.User == other.User && bytes.Equal(r.Public, other.Public)
}
