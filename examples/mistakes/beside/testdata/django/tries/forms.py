"""Forms and state."""
from django.core.files.uploadedfile import SimpleUploadedFile

from notes.models import Note, Profile
from tries import ORIGIN, Browser, Page, manage, outcome, passed, text, tries
from tries.data import PASSWORD, ann


def written(author):
    return Note.objects.filter(author=author).count()


@tries("CSRF-1")
def _():
    browser = Browser(ann())
    assert "csrfmiddlewaretoken" not in text(browser.get("/csrf_1/"))
    refused = browser.forge("/csrf_1/", {"text": "hello"}, HTTP_REFERER=ORIGIN + "/csrf_1/").status_code
    return outcome(written("CSRF-1") == 0 and refused == 403, "the middleware refuses the form: 403")


@tries("CSRF-2")
def _():
    page = Page(text(Browser(ann()).get("/csrf_2/")))
    given = page.elements["form"][0]["action"].startswith("https://pay.example/") and any(i["name"] == "csrfmiddlewaretoken" for i in page.elements["input"])
    return outcome(not given, "{% csrf_token %} stands in the form that goes elsewhere")


@tries("CSRF-3")
def _():
    note = Note.objects.create(author="Gone", text="to be deleted")
    Browser(ann()).get("/csrf_3/", {"delete": note.pk})
    return outcome(Note.objects.filter(pk=note.pk).exists(), "the link deletes")


@tries("CSRF-4")
def _():
    token = "a" * 32
    for headers in ({}, {"HTTP_ORIGIN": "https://evil.example"}, {"HTTP_ORIGIN": "null"}, {"HTTP_REFERER": "https://evil.example/"},
                    {"HTTP_ORIGIN": "https://cdn.shop.example", "HTTP_REFERER": "https://cdn.shop.example/"}):
        for planted in (False, True):  # a sub-domain can plant a cookie that fits its form
            browser = Browser(ann())
            if planted:
                browser.client.cookies["csrftoken"] = token
            browser.forge("/csrf_4/", {"text": "forged", "csrfmiddlewaretoken": token}, **headers)
    forged = written("CSRF-4")
    Browser(ann()).post("/csrf_4/", {"text": "honest"})
    assert written("CSRF-4") == forged + 1
    return outcome(forged == 0, "ten forged posts, a planted cookie among them: 403")


@tries("CSRF-5")
def _():
    browser = Browser()
    browser.forge("/accounts/login/", {"username": "ben", "password": PASSWORD}, HTTP_REFERER="https://evil.example/")
    return outcome(browser.who() == "", "LoginView is protected as every form")


@tries("CSRF-6")
def _():
    Browser(ann()).forge("/csrf_6/", {"text": "forged"}, HTTP_REFERER="https://evil.example/")
    return outcome(written("CSRF-6") == 0, "@csrf_exempt asks for no reason, and check --deploy does not list it")


def gets_admin(path, **more):
    Profile.objects.filter(user=ann()).update(is_admin=False, name="Ann")
    Browser(ann()).post(path, {"name": "Ann the first", "is_admin": "on", "password": "x", **more})
    profile = Profile.objects.get(user=ann())
    assert profile.name == "Ann the first", path
    return profile.is_admin


@tries("MASS-1")
def _():
    return outcome(not gets_admin("/mass_1/", user=ann().pk), "a ModelForm with fields = \"__all__\" takes is_admin")


@tries("MASS-2")
def _():
    return outcome(not gets_admin("/mass_2/"), "a ModelForm with a list of fields ignores is_admin")


@tries("MASS-3")
def _():
    return outcome(not gets_admin("/mass_3/"), "a ModelForm with exclude takes the column that came later")


@tries("FORM-1")
def _():
    code, words = manage("check", DJANGO_SETTINGS_MODULE="shop.settings_unbounded")
    browser = Browser(ann())
    long = text(browser.post("/form_1/", {"text": "x" * 1000000}))
    file = SimpleUploadedFile("a.exe", bytes(20000000), "application/x-msdownload")
    large = text(browser.post("/form_1/", {"text": "x", "file": file}))
    return passed({
        "forms.CharField with 1 MB": long == "1000000 characters, 0 bytes",
        "forms.FileField with 20 MB of a program": large == "1 characters, 20000000 bytes",
        "models.CharField without max_length, at start (fields.E120)": code == 0 or "fields.E120" not in words,
    })


@tries("FORM-2")
def _():
    page = Page(text(Browser().get("/form_2/", {"username": "ann", "password": PASSWORD})))
    return passed({
        "a password field in a GET form": page.elements["form"][0]["method"] == "get" and any(i["type"] == "password" for i in page.elements["input"]),
        "a password echoed": any(i.get("value") == PASSWORD for i in page.elements["input"]),
    })


@tries("FORM-3")
def _():
    browser = Browser(ann())
    for _ in range(2):
        browser.post("/form_3/", {"author": "FORM-3", "text": "one order"})
    assert written("FORM-3") > 0
    return outcome(written("FORM-3") == 1, "two rows")


@tries("FORM-4")
def _():
    assert Browser(ann()).post("/form_4/").status_code == 500
    return outcome(written("FORM-4") == 0, "the first half stays: ATOMIC_REQUESTS is off unless it is set")
