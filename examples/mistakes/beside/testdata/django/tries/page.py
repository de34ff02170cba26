"""What the page prints."""
from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile

from tries import Browser, Page, inline_runs, outcome, passed, text, tries
from tries.data import ann

EVE = Browser()
BREAKS = ['<mq>', '"><mq>', "'><mq>", '" onmq="1', "</script><mq>", "</title><mq>", "--><mq>"]


def planted(path):
    return any(Page(text(EVE.get(path, {"value": value}))).planted() for value in BREAKS)


def script_stands(path, value="<script>alert(1)</script>"):
    answer = EVE.get(path, {"value": value})
    return value in text(answer) and answer["Content-Type"].startswith("text/html") and inline_runs(answer)


@tries("XSS-1")
def _():
    assert "honest &amp; sound" in text(EVE.get("/xss_1/", {"value": "honest & sound"}))
    return outcome(not planted("/xss_1/"), "escaped in text, attribute, address and json_script")


@tries("XSS-9")
def _():
    def attribute(value, tag, name):
        return Page(text(EVE.get("/xss_9/", {"value": value}))).elements[tag][0].get(name, "")
    style = text(EVE.get("/xss_9/", {"value": "red; background: url(//evil.example)"})).split("<style")[1].split("</style>")[0]
    return passed({
        "a script": 'go("");alert(1)//' in text(EVE.get("/xss_9/", {"value": '");alert(1)//'})),
        "an event handler": attribute("');alert(1)//", "button", "onclick") == "go('');alert(1)//')",
        "a style": "background: url(//evil.example)" in style,
        "srcdoc": "<script>" in attribute("<script>alert(1)</script>", "iframe", "srcdoc"),
        "the name of an attribute": any("onmq" in attrs for attrs in Page(text(EVE.get("/xss_9/", {"value": "onmq=1"}))).elements["p"]),
    })


@tries("XSS-2")
def _():
    return outcome(not script_stands("/xss_2/"), "the script stands in the page, and no policy forbids it")


@tries("XSS-3")
def _():
    return outcome(not script_stands("/xss_3/"), "the script stands in the answer, and no policy forbids it")


@tries("XSS-4")
def _():
    answer = EVE.get("/xss_4/")
    button = Page(text(answer)).elements["button"][0]
    return passed({"onclick": "onclick" in button and inline_runs(answer), "style": "style" in button and inline_runs(answer)})


@tries("XSS-5")
def _():
    answer = EVE.get("/xss_5/")
    links = [a["href"] for a in Page(text(answer)).elements["a"]]
    try:
        forms.URLField().clean("javascript:alert(1)")
        refuses = False
    except forms.ValidationError:
        refuses = True
    stage, words = passed({"a constant": links[0] == "javascript:go()" and inline_runs(answer), "data": links[1] == "javascript:alert(1)" and inline_runs(answer)})
    return stage, words + ("; forms.URLField refuses the data" if refuses else "")


@tries("XSS-6")
def _():
    answer = EVE.get("/xss_6/")
    script = Page(text(answer)).elements["script"][0]
    return outcome("integrity" in script or not inline_runs(answer), "the script is loaded without integrity")


@tries("XSS-7")
def _():
    got = {}
    for kind, name, source in (("SVG", "a.svg", b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'), ("HTML", "a.html", b"<script>alert(1)</script>")):
        at = EVE.post("/xss_7_upload/", {"file": SimpleUploadedFile(name, source, "image/png")})["Location"]
        answer = EVE.get(at)
        assert text(answer).encode() == source
        runs = answer["Content-Type"].split(";")[0] in ("image/svg+xml", "text/html")
        got[kind] = runs and not answer.get("Content-Disposition", "").startswith("attachment") and inline_runs(answer)
    return passed(got)


@tries("XSS-8")
def _():
    answer = EVE.get("/xss_8/", {"value": "<script>alert(1)</script>"})
    return outcome(answer["Content-Type"] == "application/json" and answer.get("X-Content-Type-Options") == "nosniff", "JsonResponse says its type, and nosniff")


@tries("PAGE-1")
def _():
    answer = EVE.get("/page_1/")
    return outcome(answer.status_code == 500, "a field that is not there prints as nothing: " + text(answer).splitlines()[2])


@tries("PAGE-2")
def _():
    answer = EVE.get("/page_2/")
    return outcome(answer.status_code == 500 and "a note of Ann" not in text(answer), "nothing of the page is sent")


@tries("FRAME-1")
def _():
    return outcome(EVE.get("/frame_1/").get("X-Frame-Options") == "DENY", "X-Frame-Options: DENY on every answer")


@tries("CACHE-1")
def _():
    answer = Browser(ann()).get("/cache_1/")
    assert "a note of Ann" in text(answer)
    return outcome("no-store" in answer.get("Cache-Control", ""), "no Cache-Control; Vary: %s" % answer.get("Vary"))
