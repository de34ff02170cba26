"""The people and their notes."""
from django.conf import settings
from django.contrib.auth.models import User
from django.core import mail
from django.core.mail.utils import DNS_NAME

from notes.models import Note, Profile

PASSWORD = "correct horse battery staple"


def user(name, **more):
    return User.objects.create_user(name, name + "@shop.example", PASSWORD, **more)


def fill():
    for name in ("Ann", "Ben"):
        owner = user(name.lower())
        Profile.objects.create(user=owner, name=name)
        Note.objects.create(owner=owner, author=name, text="a note of " + name)
        Note.objects.create(owner=owner, author=name, text="another note of " + name)
    Note.objects.create(author="Eve", text="=1+1", link="javascript:alert(1)")
    User.objects.create_superuser("root", "root@shop.example", PASSWORD)
    mail.outbox = []
    DNS_NAME._fqdn = "shop.example"  # or each mail asks the network for this machine's name
    settings.MEDIA_ROOT.mkdir()
    (settings.DATA_DIR / "secret.txt").write_text("outside of the uploads")


def ann():
    return User.objects.get(username="ann")


def ben():
    return User.objects.get(username="ben")
