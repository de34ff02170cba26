-- +goose Up
-- One row a session. Everything that lists, revokes or expires is a column; what handlers keep is sealed in data, under a
-- key made from the cookie, which is nowhere in this database. Times are Unix microseconds; 0 is never.
-- The slot is the first 63 bits of the key: found by it, a row costs one walk down one tree, also among a million.
CREATE TABLE merlon_session (
	slot bigint PRIMARY KEY,
	id bigint NOT NULL UNIQUE,
	key bytea NOT NULL CHECK (length(key) = 32),
	user_id bigint NOT NULL,
	class bigint NOT NULL,
	factors bigint NOT NULL,
	how text NOT NULL,
	remember bigint NOT NULL,
	recent bigint NOT NULL,
	created bigint NOT NULL,
	last_seen bigint NOT NULL,
	idle_deadline bigint NOT NULL,
	absolute_deadline bigint NOT NULL,
	revoked_at bigint NOT NULL DEFAULT 0,
	reason text NOT NULL DEFAULT '',
	device text NOT NULL,
	network text NOT NULL,
	version bigint NOT NULL,
	data bytea NOT NULL
);
CREATE INDEX merlon_session_user ON merlon_session (user_id) WHERE revoked_at = 0 AND user_id <> 0;
-- The state that no statement may leave, kept by the engine too: revoked is final, the absolute deadline never moves.
-- +goose StatementBegin
CREATE FUNCTION merlon_session_final() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	IF OLD.revoked_at <> 0 OR NEW.slot <> OLD.slot OR NEW.key <> OLD.key OR NEW.user_id <> OLD.user_id OR NEW.absolute_deadline <> OLD.absolute_deadline THEN
		RAISE EXCEPTION 'merlon_session: an ended session cannot change, and neither key nor user nor absolute deadline ever do' USING ERRCODE = '23000';
	END IF;
	RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER merlon_session_final BEFORE UPDATE ON merlon_session FOR EACH ROW EXECUTE FUNCTION merlon_session_final();

-- +goose Down
DROP TABLE merlon_session;
DROP FUNCTION merlon_session_final;
