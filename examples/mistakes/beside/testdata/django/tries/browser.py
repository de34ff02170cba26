"""The browser believed, the server exposed."""
import threading

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from shop.hashers import Counted
from tries import CHECK, Browser, fresh_check, outcome, passed, text, tries
from tries.data import PASSWORD

EVE = Browser()


@tries("TRUST-1")
def _():
    assert EVE.get("/trust_1/").status_code == 403
    return outcome(EVE.get("/trust_1/", HTTP_X_FORWARDED_FOR="10.0.0.1").status_code == 403, "request.META gives the header to whoever asks for it")


@tries("TRUST-2")
def _():
    assert "https://shop.example/confirm/1" in text(EVE.get("/trust_2/"))
    answers = [EVE.get("/trust_2/", **{header: "evil.example"}) for header in ("HTTP_HOST", "HTTP_X_FORWARDED_HOST")]
    return outcome(not any("evil.example" in text(a) for a in answers), "ALLOWED_HOSTS refuses another host: 400")


@tries("TRUST-3")
def _():
    answer = EVE.get("/trust_3/", {"next": "https://evil.example/"})
    login = Browser().post("/accounts/login/?next=https://evil.example/", {"username": "ann", "password": PASSWORD})["Location"]
    return outcome(answer.get("Location") != "https://evil.example/", "redirect(input) leads there" + ("" if "evil" in login else "; the next of LoginView does not"))


@tries("TRUST-4")
def _():
    def ask(method, **headers):
        return text(EVE.client.generic(method, "/trust_4/", secure=True, HTTP_COOKIE="a=secret", **headers))
    return passed({
        "TRACE that gives cookies back": "secret" in ask("TRACE"),
        "a tunnel by CONNECT": "secret" in ask("CONNECT"),
        "X-HTTP-Method-Override": ask("GET", HTTP_X_HTTP_METHOD_OVERRIDE="DELETE") != "method GET",
        "_method": text(EVE.post("/trust_4/", {"_method": "DELETE"})) != "method POST",
    })


@tries("TRUST-5")
def _():
    answer = EVE.get("/trust_5/", HTTP_ORIGIN="https://evil.example")
    given = answer.get("Access-Control-Allow-Origin") == "https://evil.example" and answer.get("Access-Control-Allow-Credentials") == "true"
    return outcome(not given, "the headers that were written by hand are sent")


@tries("TRUST-6")
def _():
    answer = EVE.post("/trust_6/", {"file": SimpleUploadedFile("../../a.html", b"<script>alert(1)</script>", "image/png")})
    assert answer.status_code in (200, 400)
    return passed({"content_type": answer.status_code == 200, "../ in a name": ".." in text(answer) or "/" in text(answer)})


@tries("SECR-1")
def _():
    return outcome("security.W009" in fresh_check(), "check --deploy finds the key that startproject writes into settings.py (security.W009), not one of one's own there", CHECK)


@tries("SECR-2")
def _():
    answer = EVE.get("/secr_2/")
    assert answer.status_code == 500 and "the inside" not in text(answer)
    return outcome("security.W018" in fresh_check(), "check --deploy finds DEBUG = True (security.W018); without it a failure says nothing", CHECK)


@tries("AVAIL-1")
def _():
    assert text(EVE.post("/avail_1/", {"a": "1"})) == "2 fields, 0 files"
    token = EVE.client.cookies["csrftoken"].value

    def json(body):
        return EVE.client.post("/avail_1_json/", body, content_type="application/json", secure=True, HTTP_X_CSRFTOKEN=token, HTTP_REFERER="https://shop.example/")
    assert text(json("[1, 2]")) == "2"
    return passed({
        "a form of 11 MB": EVE.post("/avail_1/", {"a": "x" * 11000000}).status_code == 200,
        "11000 fields": EVE.post("/avail_1/", {"f%d" % n: "1" for n in range(11000)}).status_code == 200,
        "1100 files": EVE.post("/avail_1/", {"f%d" % n: SimpleUploadedFile("a", b"a") for n in range(1100)}).status_code == 200,
        "JSON of 11 MB": json('"%s"' % ("x" * 11000000)).status_code == 200,
        "JSON 100000 deep": json("[" * 100000 + "]" * 100000).status_code == 200,
        "a file of 20 MB": EVE.post("/avail_1/", {"a": SimpleUploadedFile("a", bytes(20000000))}).status_code == 200,
    })


@tries("AVAIL-3")
def _():
    Counted.meet = threading.Barrier(8, timeout=60)

    def sign_in():
        Browser().sign_in("nobody", "wrong")
        connection.close()
    all = [threading.Thread(target=sign_in) for _ in range(8)]
    for one in all:
        one.start()
    for one in all:
        one.join()
    bounded, Counted.meet = Counted.meet.broken, None
    return outcome(bounded, "eight sign-ins hash at one moment: as many as the server has threads")
