"""Sessions, cookies, accounts."""
import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.contrib.sessions.models import Session
from django.core import mail

from notes.models import Note, Profile
from shop.hashers import Counted
from tries import CHECK, NO_PART, ORIGIN, Browser, fresh_check, in_log, outcome, passed, text, tries
from tries.data import PASSWORD, ann, ben, user


def with_session(key):
    browser = Browser()
    browser.client.cookies[settings.SESSION_COOKIE_NAME] = key
    return browser


def key_of(browser):
    return browser.client.cookies[settings.SESSION_COOKIE_NAME].value


@tries("COOK-1")
def _():
    cookie = Browser().get("/cook_1/").cookies["remember"]
    bare = not (cookie["httponly"] or cookie["secure"] or cookie["samesite"])
    assert "security.W012" in fresh_check() and "security.W016" in fresh_check()
    return outcome(not bare, "set_cookie sets none of them; for the cookies of sessions and tokens check --deploy asks for Secure (security.W012, security.W016)")


@tries("COOK-2")
def _():
    browser = Browser()
    browser.client.cookies["role"] = "admin"
    return outcome(browser.get("/cook_2/").status_code != 200, "request.COOKIES is what the visitor sent")


@tries("SESS-1")
def _():
    browser = Browser()
    browser.get("/sess_1/")
    before = key_of(browser)
    browser.sign_in("ann", PASSWORD)
    assert browser.who().startswith("ann")
    return outcome(with_session(before).who() == "", "login() makes a new id")


@tries("SESS-2")
def _():
    def lives(end):
        someone = user("someone", is_staff=True)
        key = key_of(Browser(someone))
        assert with_session(key).who() == "someone, staff: True"
        end(someone, key)
        still = with_session(key).who() == "someone, staff: True"
        User.objects.filter(username="someone").delete()
        return still

    def change(someone, key):
        someone.set_password("another " + PASSWORD)
        someone.save()

    def demote(someone, key):
        someone.is_staff = False
        someone.save()
    return passed({
        "sign-out": lives(lambda someone, key: with_session(key).get("/accounts/logout/")),
        "a new password": lives(change),
        "another role": lives(demote),
        "deletion": lives(lambda someone, key: someone.delete()),
    })


@tries("SESS-3")
def _():
    Browser(ann())
    stolen = [with_session(row.session_key).who() for row in Session.objects.all()]
    return outcome("ann, staff: False" not in stolen, "session_key in the table is the cookie")


@tries("SESS-4")
def _():
    browser = Browser()
    browser.get("/sess_4/", {"currency": "EUR"})
    return outcome(browser.client.session.get("currency") != "EUR", "a GET changes the session")


@tries("PASS-1")
def _():
    Profile.objects.filter(user=ben()).update(password="secret of ben")
    browser = Browser()
    browser.post("/pass_1/", {"username": "ben", "password": "secret of ben"})
    answer = text(Browser().post("/pass_1_keep/", {"password": "secret of ann"}))
    return passed({
        "compared with ==": browser.who().startswith("ben"),
        "in a statement": Profile.objects.filter(user=ann(), password="secret of ann").exists(),
        "in JSON": "secret of ann" in answer,
    })


@tries("PASS-2")
def _():
    answers = []
    log = in_log("notes", lambda: answers.append(text(Browser().post("/pass_2/", {"password": PASSWORD}))))
    return passed({"in the log": PASSWORD in log, "in JSON": PASSWORD in answers[0]})


@tries("AUTH-1")
def _():
    return outcome("the members" not in text(Browser().get("/auth_1/")), "a view without a word is open to all")


@tries("AUTH-2")
def _():
    note = Note.objects.get(text="a note of Ben")
    return outcome(text(Browser(ann()).get("/auth_2/", {"id": note.pk})) != note.text, "get_object_or_404(Note, pk=input) shows another's")


@tries("AUTH-3")
def _():
    browser = Browser(ann())
    assert "/auth_3/" not in text(browser.get("/auth_3_menu/"))
    return outcome("the board" not in text(browser.get("/auth_3/")), "@login_required lets every user in")


@tries("AUTH-4")
def _():
    browser = Browser()
    for n in range(30):
        browser.sign_in("ben", "wrong %d" % n)
    browser.sign_in("ben", PASSWORD)
    return outcome(browser.who() == "", "thirty wrong passwords, and the right one is still looked at")


@tries("AUTH-5")
def _():
    return NO_PART, "no lock-out that could be turned against the owner"


@tries("AUTH-6")
def _():
    def cost(do):
        before = Counted.count
        answer = do(Browser())
        return Counted.count - before, answer.status_code, text(answer).count("<li>"), answer.get("Location")

    def differ(do):
        return cost(lambda b: do(b, "ann")) != cost(lambda b: do(b, "nobody"))
    return passed({
        "sign-in (words, status, count of hashes)": differ(lambda b, name: b.sign_in(name, "wrong")),
        "a forgotten password (words, status)": differ(lambda b, name: b.post("/accounts/password_reset/", {"email": name + "@shop.example"})),
        "sign-up by UserCreationForm (words)": differ(lambda b, name: b.post("/auth_6/", {"username": name, "password1": "x", "password2": "y"})),
    })


@tries("AUTH-7")
def _():
    someone = user("forgetful")

    def link(**extra):
        mail.outbox.clear()
        Browser().post("/accounts/password_reset/", {"email": "forgetful@shop.example"}, **extra)
        return [line for m in mail.outbox for line in m.body.splitlines() if "://" in line]

    def use(address):
        browser = Browser()
        at = browser.get(address[len(ORIGIN):])
        if at.status_code == 302:
            at = browser.post(at["Location"], {"new_password1": "another " + PASSWORD, "new_password2": "another " + PASSWORD})
        return at.status_code == 302
    evil = link(HTTP_HOST="evil.example")
    first, = link()
    assert use(first)
    second, = link()
    now = default_token_generator._now
    default_token_generator._now = lambda: datetime.datetime.now() + datetime.timedelta(days=4)
    late = use(second)
    default_token_generator._now = now
    assert use(second)
    someone.delete()
    return passed({"twice": use(first), "another Host": evil != [], "after 4 days (it lives for 3)": late})


@tries("AUTH-8")
def _():
    return outcome("security.W008" in fresh_check(), "check --deploy asks for SECURE_SSL_REDIRECT: security.W008", CHECK)
