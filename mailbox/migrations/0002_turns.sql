-- +goose Up
-- what somebody waits for before a page is sent first: 0, all else: 1
ALTER TABLE merlon_mail ADD COLUMN line INTEGER NOT NULL DEFAULT 1;
-- how many mails to the same recipient waited in that line before it: recipients take turns
ALTER TABLE merlon_mail ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
DROP INDEX merlon_mail_due;
CREATE INDEX merlon_mail_turn ON merlon_mail (line, turn, next_try, id) WHERE state = 'queued';
CREATE INDEX merlon_mail_waiting ON merlon_mail (recipient, line) WHERE state = 'queued';

-- +goose Down
DROP INDEX merlon_mail_waiting;
DROP INDEX merlon_mail_turn;
CREATE INDEX merlon_mail_due ON merlon_mail (next_try, id) WHERE state = 'queued';
ALTER TABLE merlon_mail DROP COLUMN turn;
ALTER TABLE merlon_mail DROP COLUMN line;
