"""Mistakes of parts that Django 3.2 does not have, or leaves to others."""
from tries import NO_PART, tries


def leave(name, words):
    tries(name)(lambda: (NO_PART, words))


leave("SQL-8", "no type of constant texts to launder one into: SQL-1")
leave("KV-1", "no client of a key-value store for commands or scripts; the cache has none")
leave("LDAP-1", "no client of a directory")
leave("AVAIL-2", "left to the server in front of it")
leave("BACK-1", "no backups")
leave("BACK-2", "no backups, no drill")
leave("BACK-3", "no backups")
