package mutants

// pages are what comes out: markup, the log, mails, other programs.
var pages = []mutant{
	{"less-than in text", "page/escape.go", `	'<':  "&lt;",
`, `	'<':  "<",
`, "page TestVectors"},
	{"quotes in attributes", "page/escape.go", `	'"':  "&#34;",
`, `	'"':  "\"",
`, "page TestVectors"},
	{"values in addresses", "page/url.go", `component[c] = plain`, `component[c] = true`, "page TestVectors"},
	{"schemes of addresses", "page/url.go", `			case equalFold(s[:i], "mailto"):
				return mail
			}
			return nowhere`, `			}
			return local`, "page TestVectors"},
	{"other hosts in addresses", "page/url.go", `if len(s) > 1 && (s[1] == '/' || s[1] == '\\') {
					return nowhere
				}`, ``, "page TestReach"},
	{"dots in a path", "page/url.go", `	return n == 1 || n == 2
`, `	return n > 1<<20
`, "page TestRefusedAddressesAreTold"},
	{"event handlers", "page/tags.go", `case isHandlerName(a.name):`, `case false:`, "page TestAttacksDoNotStart"},
	{"data in scripts", "page/sinks.go", `				c.rawFault(pos)
				return Sink{}, false
`, ``, "page TestAttacksDoNotStart"},
	{"names of attributes", "page/sinks.go", `		c.abort(RuleAttributeName, pos, "an action in the place of an attribute's name", "choose whole attributes with if: {{if .On}} checked{{end}}")`, ``, "page TestAttacksDoNotStart"},
	{"unknown attributes", "page/sinks.go", `	case isVendorName(name):
		c.fault(`, `	case isVendorName(name):
		return Text
	case len(name) > 1<<20:
		c.fault(`, "page TestAttacksDoNotStart"},
	{"ids of a page", "page/print.go", `		c.out.text(idPrefix)
`, ``, "page TestNamesFromData"},
	{"line breaks in the log", "event/log.go", `if !needsEscape(line) {`, `if true {`, "event TestNoPlaceOfALineIsForged"},
	{"length of what is logged", "event/log.go", `	if len(s) <= maxValue {
		return s
	}`, `	return s`, "event TestNoValueIsLong"},
	{"secrets in formats", "secret/secret.go", `func (String) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }`, `func (s String) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.Reveal())) }`, "secret TestNothingPrintsASecret"},
	{"secrets in JSON", "secret/secret.go", `func (String) MarshalJSON() ([]byte, error) { return nil, ErrMarshal }`, `func (s String) MarshalJSON() ([]byte, error) { return []byte("\"" + s.Reveal() + "\""), nil }`, "secret TestNothingPrintsASecret"},
	{"private addresses", "outbound/fetch/address.go", `	case !Public(ip):
		if c.own.has(ip) {`, `	case false:
		if c.own.has(ip) {`, "outbound/fetch TestVectors"},
	{"users in addresses", "outbound/fetch/address.go", `	case u.User != nil:
		return &Error{`, `	case false:
		return &Error{`, "outbound/fetch TestVectors"},
	{"formulas", "outbound/export/export.go", `		return "'" + text
`, `		return text
`, "outbound/export TestVectors"},
	{"line breaks in a subject", "outbound/mail/message.go", `case strings.ContainsFunc(m.Subject, control) || !utf8.ValidString(m.Subject):`, `case false:`, "outbound/mail TestRefusedBeforeAnythingIsSent"},
	{"recipients", "outbound/mail/message.go", `case !plainAddress(m.To):`, `case false:`, "outbound/mail TestRefusedBeforeAnythingIsSent"},
	{"options of programs", "outbound/command/command.go", `case strings.HasPrefix(a, "-") && last != "--":`, `case false && last != "--":`, "outbound/command TestVectors"},
	{"shells", "outbound/command/command.go", `case slices.Contains(shells, base), `, `case `, "outbound/command TestDeclarations"},
	{"filters of directories", "outbound/ldap/ldap.go", `return fill(f.parts, values, f.where, ldap.EscapeFilter)`, `return fill(f.parts, values, f.where, func(s string) string { return s })`, "outbound/ldap TestVectors"},
	{"passwords that are empty", "outbound/ldap/ldap.go", `	if password.Reveal() == "" {
		return false, nil
	}`, ``, "internal/e2e/ldap TestVerify"},
	{"parts of keys", "outbound/valkey/key.go", `		e := escape(v)
`, `		e := v
`, "outbound/valkey TestKeys"},
	{"keys in the place of values", "outbound/valkey/command.go", `case n == 0, s.keys > 0 && n != s.keys,`, `case s.keys > 0 && n > s.keys,`, "outbound/valkey TestCommandsThatMayNotBe"},
	{"scripts that name commands by values", "outbound/valkey/script.go", `case len(made) != len(callWord.FindAllString(text, -1)):`, `case false:`, "outbound/valkey TestCommandsThatMayNotBe"},
	{"servers in the clear", "outbound/valkey/valkey.go", `		if !to.tls {
`, `		if false {
`, "outbound/valkey TestFaults"},
	{"ends of sessions on a server", "session/valkey/store.go", `		if e.now.Ended != 0 || e.now.Version != row.Version-1 {`, `		if e.now.Version != row.Version-1 {`, "session/valkey TestStore"},
	{"rows that others changed", "session/valkey/valkey.go", `if (redis.call('HGET', KEYS[1], 'head') or '') ~= ARGV[1] then`, `if false then`, "session/valkey TestStale"},
	{"rows that the site has not signed", "session/valkey/head.go", `if !s.keys.Verify(message, []byte(text[:keyring.MACSize])) ||`, `if`, "session/valkey TestForged"},
	{"values that the site has not signed", "session/valkey/valkey.go", `!ok || data && sum != sha256.Sum256([]byte(texts[1]))`, `!ok || data && sum == sha256.Sum256([]byte("x"))`, "session/valkey TestForged"},
	{"rows that were copied", "session/valkey/head.go", `b = append(append(b, s.generation...), key[:]...)`, `b = append(b, s.generation...)`, "session/valkey TestForged"},
	{"damaged rows among others", "session/valkey/store.go", `return s.forget(ctx, f, member)
		case`, `return nil
		case`, "session/valkey TestDamaged"},
	{"buckets that others changed", "throttle/valkey/valkey.go", `	if (redis.call('GET', KEYS[i]) or '') ~= ARGV[i * 3 - 5] then`, `	if false then`, "throttle/valkey TestStore"},
	{"sessions of a place that was left", "stores.go", `(p.Generation != "" || !shared)`, `(p.Generation != "" || !shared) || place == ""`, "internal/e2e/valkey TestMoved"},
	{"the place of who came first", "stores.go", `p.Generation != "" || !shared`, `p.Generation != "" || true`, "internal/e2e/valkey TestTwoPlaces"},
	{"processes that keep sessions elsewhere", "stores.go", `if s.Shared() && (now.Generation != "" || alive > 0) {`, `if s.Shared() && alive > 1<<40 {`, "internal/e2e/valkey TestTwoPlaces"},
	{"what was kept before a commit that failed", "db/writer.go", `w.undo(beside)`, `w.undo(0 * beside)`, "session/valkey TestUndone"},
	{"values that were not committed", "start.go", `Shared: s.Shared() || rows.Schema() == nil,`, `Shared: s.Shared(),`, "internal/e2e/valkey TestAFailedCommitLeavesNothing"},
}

// sessions are what rests, and who is who.
var sessions = []mutant{
	{"hash of a session", "session/token.go", `func digestOf(token *[tokenBytes]byte) Digest { return sha256.Sum256(token[:]) }`, `func digestOf(token *[tokenBytes]byte) Digest { return Digest(*token) }`, "session TestThief"},
	{"whole hash of a session", "session/store.go", `errors.Is(err, db.ErrNoRow) || err == nil && r.Key != key`, `errors.Is(err, db.ErrNoRow)`, "session TestStore"},
	{"seal of a session", "session/seal.go", `	values, err := newAEAD(key).Open(p.box[:0], p.nonce, p.box, associated(ad[:0], r))
	if err != nil {
		return nil, errSeal
	}`, `	values, _ := newAEAD(key).Open(p.box[:0], p.nonce, p.box, associated(ad[:0], r))`, "session TestSealBindsTheRow"},
	{"user in the seal", "session/seal.go", `	dst = num(dst, r.User)
`, `	dst = num(dst, 0)
`, "session TestAssociatedData"},
	{"factors in the seal", "session/seal.go", `	dst = num(dst, int64(r.Factors))
`, `	dst = num(dst, 0)
`, "session TestSealBindsTheRow"},
	{"deadline in the seal", "session/seal.go", `	return num(dst, r.Absolute)
`, `	return num(dst, 0)
`, "session TestAssociatedData"},
	{"last deadline", "session/row.go", `return r.Ended == 0 && now < r.Absolute && now < end`, `return r.Ended == 0 && now < end`, "session TestDeadlines"},
	{"deadline that does not move", "session/rotate.go", `		row.Absolute = min(row.Absolute, old.row.Absolute)
`, ``, "session TestDeadlines"},
	{"idle time", "session/row.go", `now < r.Absolute && now < end &&`, `now < r.Absolute &&`, "session TestDeadlines"},
	{"ended sessions", "session/state.go", `	if o.row.Ended != 0 {
		was :=`, `	if o.row.Ended != 0 && o.row.Reason == "" {
		was :=`, "session TestSignInAndOut"},
	{"rotation", "session/rotate.go", `		if err := w.endRow(&old.row, ReasonRotated); err != nil {
			return w.fail(err)
		}
`, ``, "session TestFixation"},
	{"values of another user", "session/rotate.go", `			w.values = nil
`, `			w.values = w.values[:len(w.values):len(w.values)]
`, "session TestFixation"},
	{"ended stays ended", "session/writer.go", `	if !alive {
		event.Record`, `	if !alive && err != nil {
		event.Record`, "session TestRevivalRace"},
	{"disabled users", "session/state.go", `		if off {
			s.lost`, `		if off && m == nil {
			s.lost`, "session TestDisabledHook"},
	{"made up pre-sessions", "session/token.go", `if subtle.ConstantTimeCompare(mac[:preMAC], raw[preRandom:]) != 1 {`, `if subtle.ConstantTimeCompare(mac[:preMAC], raw[preRandom:]) > 1 {`, "session TestPreSession"},
	{"order of purposes", "keyring/purpose.go", `"merlon/keyring/v1\x00"+use+"\x00"+label`, `"merlon/keyring/v1\x00"+use`, "keyring TestPurposesAndUsesAreSeparate"},
	{"associated data", "keyring/purpose.go", `	out, err := k.aead.Open(dst, nil, sealed[idSize:], aad)`, `	out, err := k.aead.Open(dst, nil, sealed[idSize:], aad[:0])`, "keyring TestSeal"},
	{"MAC of the key ring", "keyring/purpose.go", `return hmac.Equal(h.Sum(sum[:0]), mac[idSize:])`, `return len(h.Sum(sum[:0])) == len(mac[idSize:])`, "keyring TestPurposesAndUsesAreSeparate"},
	{"key file of others", "keyring/file.go", `mode.Perm()&0o077 != 0 {`, `mode.Perm()&0o077 > 0o777 {`, "keyring TestOpenRefuses"},
	{"keys of the data", "ring.go", `!bytes.Equal(proof.Reveal(), row.Proof)`, `false && !bytes.Equal(proof.Reveal(), row.Proof)`, ". TestOtherKeysRefuseTheStart"},
	{"key file by a link", "keyring/file.go", `	named, err := os.Lstat(path)`, `	named, err := os.Stat(path)`, "keyring TestOpenRefuses"},
	{"read-only open", "sqlite/conn.go", `	flags := sqlite3.OPEN_READONLY
`, `	flags := sqlite3.OPEN_READWRITE
`, "sqlite TestMeasures"},
	{"query_only", "sqlite/conn.go", `raw.Exec("PRAGMA query_only=ON")`, `raw.Exec("PRAGMA query_only=OFF")`, "sqlite TestMeasures"},
	{"hash of an event", "journal/verify.go", `if !bytes.Equal(r.Hash, hash[:]) {`, `if false {`, "journal TestTampering"},
	{"end of the chain", "journal/verify.go", `if res.Broken == nil && (res.Head.Link != c.HeadLink || !bytes.Equal(res.Head.Hash[:], c.HeadHash)) {`, `if false {`, "journal TestTampering"},
	{"beginning of the chain", "journal/verify.go", `if errors.Is(err, db.ErrNoRow) || err == nil && last.Detail != string(purgeDetail(anchor)) {`, `if last.Detail == "\x00" {`, "journal TestTheOldestRowsCannotGoSilently"},
	{"heads noted elsewhere", "journal/verify.go", `if hash != h.Hash {`, `if hash != h.Hash && h.Link < 0 {`, "journal TestARebuiltChainContradictsANotedHead"},
	{"place before a comparison", "throttle/state.go", `		if used >= l.Burst {
			return p,`, `		if false {
			return p,`, "throttle TestAsking"},
	{"total of an account", "throttle/state.go", `if l.Total > 0 && s.Row >= uint32(l.Total) {`, `if false {`, "throttle TestSlowThenClosed"},
	{"waits that grow", "throttle/state.go", `		if now < s.Until {
			return`, `		if false {
			return`, "throttle TestSlowThenClosed"},
	{"one comparison of a permit", "throttle/permit.go", `	if !p.state.CompareAndSwap(unspent, spent) {
		return ErrSpent
	}`, `	p.state.Store(spent)`, "throttle TestPermit"},
	{"purpose of a permit", "throttle/permit.go", `	if purpose != p.purpose {
		return fmt`, `	if false {
		return fmt`, "throttle TestPermit"},
	{"limits outside of transactions", "throttle/throttle.go", `	if db.InWrite(ctx) {
		return nil, errWriting
	}
	if len(buckets)`, `	if len(buckets)`, "throttle TestWhatIsNoAttempt"},
	{"hashes outside of transactions", "password/password.go", `	if db.InWrite(ctx) {
		return ErrInWrite
	}
	if permit.Purpose()`, `	if permit.Purpose()`, "password TestNoHashWithinAWriteTransaction"},
}
