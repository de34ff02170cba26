-- +goose Up
-- One row a session. Everything that lists, revokes or expires is a column; what handlers keep is sealed in data, under a
-- key made from the cookie, which is nowhere in this file. Times are Unix microseconds; 0 is never.
-- The slot is the first 63 bits of the key: found by it, a row costs one walk down one tree, also among a million.
CREATE TABLE merlon_session (
	slot INTEGER PRIMARY KEY,
	id INTEGER NOT NULL UNIQUE,
	key BLOB NOT NULL CHECK (length(key) = 32),
	user_id INTEGER NOT NULL,
	class INTEGER NOT NULL,
	factors INTEGER NOT NULL,
	how TEXT NOT NULL,
	remember INTEGER NOT NULL,
	recent INTEGER NOT NULL,
	created INTEGER NOT NULL,
	last_seen INTEGER NOT NULL,
	idle_deadline INTEGER NOT NULL,
	absolute_deadline INTEGER NOT NULL,
	revoked_at INTEGER NOT NULL DEFAULT 0,
	reason TEXT NOT NULL DEFAULT '',
	device TEXT NOT NULL,
	network TEXT NOT NULL,
	version INTEGER NOT NULL,
	data BLOB NOT NULL
) STRICT;
CREATE INDEX merlon_session_user ON merlon_session (user_id) WHERE revoked_at = 0 AND user_id <> 0;
-- The state that no statement may leave, kept by the engine too: revoked is final, the absolute deadline never moves.
-- +goose StatementBegin
CREATE TRIGGER merlon_session_final BEFORE UPDATE ON merlon_session
WHEN OLD.revoked_at <> 0 OR NEW.slot <> OLD.slot OR NEW.key <> OLD.key OR NEW.user_id <> OLD.user_id OR NEW.absolute_deadline <> OLD.absolute_deadline
BEGIN
	SELECT RAISE(ABORT, 'merlon_session: an ended session cannot change, and neither key nor user nor absolute deadline ever do');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE merlon_session;
