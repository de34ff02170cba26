"""Makes django.db: the notes of notes.json, and a session for each line of names.txt; writes their keys to keys.txt."""
import datetime
import json
import os

os.environ["DJANGO_SETTINGS_MODULE"] = "site_settings"

import django

django.setup()

from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone
from django.utils.crypto import get_random_string

from notes.models import Note

connection.cursor().execute("PRAGMA journal_mode = WAL")
call_command("migrate", verbosity=0, run_syncdb=True)
with open("notes.json") as f:
    rows = json.load(f)
with open("names.txt") as f:
    names = f.read().split("\n")
store = SessionStore()
expires = timezone.now() + datetime.timedelta(days=30)
keys = [get_random_string(32, "abcdefghijklmnopqrstuvwxyz0123456789") for _ in names]
with transaction.atomic():
    Note.objects.bulk_create([Note(**row) for row in rows])
    Session.objects.bulk_create(
        [Session(session_key=k, session_data=store.encode({"name": n}), expire_date=expires) for k, n in zip(keys, names)],
        batch_size=200,
    )
with open("keys.txt", "w") as f:
    f.write("\n".join(keys))
