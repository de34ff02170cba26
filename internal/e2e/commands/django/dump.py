# Makes a real Django database in the folder given, with a user of each hasher, and prints what dumpdata writes of it.
import os
import sys

import django
from django.conf import settings

here = sys.argv[1]
H = "django.contrib.auth.hashers."
settings.configure(
    SECRET_KEY="only for this test",
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    USE_TZ=True,
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.path.join(here, "django.db")}},
    PASSWORD_HASHERS=[H + n for n in (
        "PBKDF2PasswordHasher", "PBKDF2SHA1PasswordHasher", "MD5PasswordHasher", "SHA1PasswordHasher")],
)
django.setup()
from django.contrib.auth.hashers import make_password  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402

call_command("migrate", verbosity=0)
for hasher in sys.argv[2].split(","):
    User.objects.create(username=hasher, email=hasher + "@django.example", first_name="Una", last_name=hasher,
                        password=make_password("quiet harbour of " + hasher, hasher=hasher))
User.objects.create(username="gone", email="gone@django.example", is_active=False, password=make_password("quiet harbour gone", hasher="md5"))
User.objects.create(username="none", email="none@django.example", password=make_password(None))
User.objects.create(username="mailless", password=make_password("x", hasher="md5"))
User.objects.create(username="boss", email="boss@django.example", is_superuser=True, password=make_password("quiet harbour boss", hasher="md5"))
call_command("dumpdata", "auth.user")
