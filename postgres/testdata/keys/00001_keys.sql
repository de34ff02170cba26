-- +goose Up
CREATE TABLE pair (a bigint NOT NULL, b varchar(20) NOT NULL, c text NOT NULL, d numeric(8, 2) NOT NULL, "or der" bigint NOT NULL, UNIQUE (a, b), UNIQUE (d, "or der"));
CREATE UNIQUE INDEX pair_lower ON pair (lower(c), (a + 1));
