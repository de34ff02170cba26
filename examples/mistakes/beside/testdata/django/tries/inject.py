"""Injection."""
import http.server
import threading

from django.conf import settings
from django.core import mail
from django.core.cache import cache

from notes.models import Note
from tries import Browser, in_log, outcome, text, tries
from tries.data import ann

EVE = Browser()
TRUE = "(CASE WHEN (SELECT count(*) FROM auth_user WHERE is_superuser) = 1 THEN id ELSE -id END)"
FALSE = "(CASE WHEN (SELECT count(*) FROM auth_user WHERE is_superuser) = 9 THEN id ELSE -id END)"


def sees_others(path, data):
    return "a note of Ben" in text(EVE.get(path, data))


def made(name, path, data):
    """Whether a request leaves a file; data may name it by %s."""
    file = settings.DATA_DIR / name
    EVE.get(path, {key: value.replace("%s", str(file)) for key, value in data.items()})
    return file.exists()


@tries("SQL-1")
def _():
    assert not sees_others("/sql_1/", {"author": "Ann"})
    return outcome(not sees_others("/sql_1/", {"author": "x' OR '1'='1"}), "raw() with a joined text shows the rows of all")


@tries("SQL-2")
def _():
    def tells(path):
        answers = [text(EVE.get(path, {"sort": sort})) for sort in (TRUE, FALSE)]
        return "a note of Ann" in answers[0] and answers[0] != answers[1]
    words = "order_by(input) takes names of columns only" + (", the owner's password among them" if EVE.get("/sql_2/", {"sort": "owner__password"}).status_code == 200 else "")
    return outcome(not tells("/sql_2/"), words + ("; in raw() it tells what is in other tables" if tells("/sql_2_raw/") else ""))


@tries("SQL-3")
def _():
    injection = {"ids": "0) OR (1=1"}
    assert "a note of Ann" in text(EVE.get("/sql_3/", {"ids": "1,2"}))
    words = "filter(pk__in=…) takes numbers only"
    return outcome(not sees_others("/sql_3/", injection), words + ("; joined in raw() it shows all" if sees_others("/sql_3_raw/", injection) else ""))


def deleted(path, key):
    note = Note.objects.create(author="Gone", text="to be deleted")
    EVE.get(path, {key: note.pk})
    return not Note.objects.filter(pk=note.pk).exists()


@tries("SQL-4")
def _():
    return outcome(not deleted("/sql_4/", "id"), "a GET deletes a row")


@tries("SQL-5")
def _():
    return outcome(not deleted("/sql_5/", "id"), "a GET that asks by DELETE … RETURNING deletes")


@tries("SQL-6")
def _():
    seen = [EVE.get(path).status_code for path in ("/sql_6/", "/sql_6_arguments/")]
    return outcome(seen == [500, 500], "the page fails when it is asked for: FieldError, and the number of arguments")


@tries("SQL-7")
def _():
    Note.objects.bulk_create(Note(author="Many", text="one of many") for _ in range(2000))
    shown = text(EVE.get("/sql_7/")).count("one of many")
    Note.objects.filter(author="Many").delete()
    return outcome(shown < 2000, "a page of all rows, 2000 of them")


@tries("CMD-1")
def _():
    return outcome(not made("cmd_1", "/cmd_1/", {"name": "x; touch '%s'"}), "subprocess with shell=True runs a second command")


@tries("CMD-2")
def _():
    return outcome(not made("cmd_2", "/cmd_2/", {"tool": "touch", "file": "%s"}), "subprocess runs the program that was asked for")


@tries("CMD-3")
def _():
    return outcome(not made("cmd_3", "/cmd_3/", {"file": "--output=%s"}), "sort takes the name of a file for --output")


@tries("KV-2")
def _():
    cache.set("draft:ann", "the draft of Ann")
    return outcome(text(EVE.get("/kv_2/", {"of": "ann"})) != "the draft of Ann", "cache.get(\"draft:\" + input) reads another's")


@tries("URL-1")
def _():
    class Inside(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"the inside of the network")

        def log_message(self, *arguments):
            pass
    with http.server.HTTPServer(("127.0.0.1", 0), Inside) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        seen = text(EVE.get("/url_1/", {"url": "http://127.0.0.1:%d/" % server.server_port}))
        server.shutdown()
    return outcome(seen != "the inside of the network", "urlopen fetches from loopback")


@tries("PATH-1")
def _():
    def leaks(path):
        answer = EVE.get(path, {"name": "../secret.txt"})
        return answer.status_code == 200 and text(answer) == "outside of the uploads"
    words = "FileResponse(open(join(…, input))) reads ../"
    return outcome(not leaks("/path_1/"), words + ("" if leaks("/path_1_storage/") else "; default_storage.open refuses it"))


@tries("MAIL-1")
def _():
    mail.outbox.clear()
    for subject, to in (("Hello\nBcc: eve@evil.example", "ann@shop.example"), ("Hello", "ann@shop.example\nBcc: eve@evil.example")):
        EVE.post("/mail_1/", {"subject": subject, "to": to})
    sent = len(mail.outbox)
    EVE.post("/mail_1/", {"subject": "Hello", "to": "ann@shop.example"})
    assert len(mail.outbox) == sent + 1
    return outcome(sent == 0, "send_mail refuses both: BadHeaderError")


@tries("HDR-1")
def _():
    asked = (("/hdr_1/", "name", "Ann\r\nSet-Cookie: planted=1"), ("/hdr_1_redirect/", "q", "a\r\nSet-Cookie: planted=1"))
    through = {}
    for path, key, value in asked:
        answer = EVE.get(path, {key: value})
        through[path] = any("\n" in value or "\r" in value for _, value in answer.items())
    return outcome(not any(through.values()), "a header is refused (BadHeaderError), a redirect is encoded")


@tries("LOG-1")
def _():
    lines = in_log("notes", lambda: EVE.post("/log_1/", {"name": "eve\nWARNING sign-in of ann failed\x1b[2J"}))
    assert "sign-in of eve" in lines
    return outcome("\nWARNING sign-in of ann" not in lines and "\x1b" not in lines, "logging writes the line that was planted")


@tries("TPL-1")
def _():
    seen = text(EVE.post("/tpl_1/", {"layout": "<mq>{{ note.owner.password }}</mq>"}))
    return outcome(ann().password not in seen, "Template(input) prints the hash of a password")


@tries("CSV-1")
def _():
    return outcome("Eve,=1+1" not in text(EVE.get("/csv_1/")), "csv.writer writes =1+1 as it is")
