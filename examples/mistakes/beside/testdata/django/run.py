#!/usr/bin/python3
"""Makes every mistake with Django and prints one line of JSON for each: what stopped it, and what was seen.

BESIDE_DATA is an empty folder for the database, uploads and what attacks leave.
"""
import json
import os
import sys

os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
from django.core.management.utils import get_random_secret_key  # noqa: E402

os.environ["BESIDE_KEY"] = get_random_secret_key()
import django  # noqa: E402

django.setup()
from django.core.management import call_command  # noqa: E402
from django.db.backends.signals import connection_created  # noqa: E402

from tries import manage, tried  # noqa: E402
from tries import account, browser, data, forms, inject, page, parts  # noqa: E402,F401

# Nothing waits for the disk: of a machine that fails nothing is measured.
connection_created.connect(lambda connection, **more: connection.cursor().execute("PRAGMA synchronous = OFF"), weak=False)
call_command("migrate", verbosity=0, run_syncdb=True)
data.fill()
version = "Django %s on Python %d.%d" % (django.get_version(), *sys.version_info[:2])
print(json.dumps({"id": "", "stopped": manage("check", "--deploy")[1].strip(), "words": version}))
for name, function in tried.items():
    stopped, words = function()
    print(json.dumps({"id": name, "stopped": stopped, "words": words}), flush=True)
