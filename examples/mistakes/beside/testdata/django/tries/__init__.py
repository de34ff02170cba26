"""What tries a mistake: browsers, and the outcomes.

Each function under @tries makes one mistake for real and returns where it is stopped with a few words on what was seen.
"""
import functools
import html.parser
import io
import logging
import os
import subprocess
import sys

from django.conf import settings
from django.core.management import call_command
from django.test import Client

NOT_STOPPED, RUN, CHECK, START, NO_PART = "not stopped", "run", "check", "start", "no such part"
ORIGIN = "https://shop.example"
tried = {}


def tries(name):
    def keep(function):
        assert name not in tried, name + " is tried twice"
        tried[name] = function
        return function
    return keep


def outcome(stopped, words, stage=RUN):
    """The outcome of an attempt that was stopped at a stage, or not."""
    return (stage if stopped else NOT_STOPPED), words


def passed(parts):
    """The outcome of a mistake with several parts, by name whether each got through: all must be stopped."""
    through, refused = (", ".join(name for name, got in parts.items() if got == which) for which in (True, False))
    words = ["got through: " + through] * bool(through) + ["stopped: " + refused] * bool(refused)
    return outcome(not through, "; ".join(words))


class Browser:
    """A visitor over https, with cookies, who sends what a browser sends of its own."""

    def __init__(self, user=None):
        self.client = Client(enforce_csrf_checks=True, raise_request_exception=False, HTTP_HOST="shop.example")
        if user is not None:
            self.client.force_login(user)

    def get(self, path, data=None, **extra):
        return self.client.get(path, data, secure=True, **extra)

    def forge(self, path, data, **extra):
        """Posts what another site's form would."""
        return self.client.post(path, data, secure=True, **extra)

    def post(self, path, data=None, **extra):
        """Fetches a form for its token, and posts with it."""
        self.get("/csrf_4/")
        sent = dict(data or {}, csrfmiddlewaretoken=self.client.cookies["csrftoken"].value)
        return self.client.post(path, sent, secure=True, HTTP_REFERER=ORIGIN + "/csrf_4/", **extra)

    def sign_in(self, username, password):
        return self.post("/accounts/login/", {"username": username, "password": password})

    def who(self):
        return text(self.get("/who/")) if self.get("/who/").status_code == 200 else ""


def text(answer):
    return (b"".join(answer.streaming_content) if answer.streaming else answer.content).decode()


class Page(html.parser.HTMLParser):
    """The attributes of a page's elements, by their names or ids, as a browser reads them."""

    def __init__(self, source):
        super().__init__()
        self.elements = {}
        self.source = source
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.elements.setdefault(tag, []).append(dict(attrs))

    def planted(self):
        """Whether an element mq or an attribute onmq has come of a value."""
        return "mq" in self.elements or any("onmq" in attrs for all in self.elements.values() for attrs in all)


def inline_runs(answer):
    """Whether the answer lets a script inside the page run: it has no policy that forbids it."""
    return "Content-Security-Policy" not in answer


def in_log(name, do):
    """What a logger wrote, in the format of the documentation, while something was done."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("{levelname} {message}", style="{"))
    logger = logging.getLogger(name)
    logger.addHandler(handler)
    try:
        do()
    finally:
        logger.removeHandler(handler)
    return stream.getvalue()


def manage(*arguments, folder=".", **environment):
    """What `manage.py` of a project says: its exit code and its words."""
    done = subprocess.run([sys.executable, "-B", "manage.py", *arguments], cwd=folder, env={**os.environ, **environment},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    return done.returncode, done.stdout


@functools.lru_cache(maxsize=None)
def fresh_check():
    """What `check --deploy` says of a site as startproject makes it."""
    folder = settings.DATA_DIR / "fresh"
    folder.mkdir()
    call_command("startproject", "fresh", folder)
    code, words = manage("check", "--deploy", folder=folder, DJANGO_SETTINGS_MODULE="fresh.settings")
    assert code == 0, words  # it warns
    return words
