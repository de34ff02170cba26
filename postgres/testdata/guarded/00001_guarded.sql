-- +goose Up
CREATE DOMAIN mail AS text CHECK (VALUE LIKE '%@%');
CREATE TYPE rank AS ENUM ('member', 'boss');
CREATE TABLE member (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email varchar(200) NOT NULL, other mail, rank rank NOT NULL DEFAULT 'member', gone boolean NOT NULL DEFAULT false);
CREATE VIEW emails WITH (security_barrier = true) AS SELECT id, email FROM member WHERE NOT gone;
CREATE VIEW addresses AS SELECT email FROM emails;
CREATE MATERIALIZED VIEW ranks AS SELECT rank, count(*) AS n FROM member GROUP BY rank;
CREATE UNIQUE INDEX ranks_rank ON ranks (rank);
-- +goose StatementBegin
CREATE FUNCTION put() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO member (email) VALUES (new.email); RETURN new; END $$;
-- +goose StatementEnd
CREATE TRIGGER emails_put INSTEAD OF INSERT ON emails FOR EACH ROW EXECUTE FUNCTION put();
CREATE RULE emails_keep AS ON DELETE TO emails DO INSTEAD NOTHING;
CREATE FUNCTION half(n bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT n / 2';
CREATE TABLE score (n bigint NOT NULL CHECK (half(n) < 100));
CREATE TABLE score_more () INHERITS (score);
CREATE TABLE part (n bigint NOT NULL) PARTITION BY RANGE (n);
CREATE TABLE part_low PARTITION OF part FOR VALUES FROM (0) TO (100);
CREATE POLICY mine ON score FOR SELECT USING (n > 0);
-- +goose StatementBegin
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF new.email = 'refused@visitor' THEN RAISE EXCEPTION 'not this address: %', new.email; END IF;
	IF new.email = 'other@visitor' THEN RAISE EXCEPTION USING MESSAGE = new.email, ERRCODE = 'MY001'; END IF; RETURN new; END $$;
-- +goose StatementEnd
CREATE TRIGGER member_refuse BEFORE INSERT ON member FOR EACH ROW EXECUTE FUNCTION refuse();
