"""Injection."""
import csv
import logging
import os
import subprocess
import urllib.request

from django.conf import settings
from django.core.cache import cache
from django.core.files.storage import default_storage
from django.core.mail import send_mail
from django.db import connection
from django.http import FileResponse, HttpResponse
from django.shortcuts import redirect, render
from django.template import RequestContext, Template

from notes.models import Note


def sql_1(request):
    notes = Note.objects.raw("SELECT * FROM notes_note WHERE author = '" + request.GET["author"] + "'")
    return render(request, "notes/list.html", {"notes": notes})


def sql_2(request):
    notes = Note.objects.filter(author="Ann").order_by(request.GET["sort"])
    return render(request, "notes/list.html", {"notes": notes})


def sql_2_raw(request):
    notes = Note.objects.raw("SELECT * FROM notes_note WHERE author = 'Ann' ORDER BY %s" % request.GET["sort"])
    return render(request, "notes/list.html", {"notes": notes})


def sql_3(request):
    notes = Note.objects.filter(pk__in=request.GET["ids"].split(","))
    return render(request, "notes/list.html", {"notes": notes})


def sql_3_raw(request):
    notes = Note.objects.raw("SELECT * FROM notes_note WHERE id IN (" + request.GET["ids"] + ")")
    return render(request, "notes/list.html", {"notes": notes})


def sql_4(request):
    Note.objects.filter(pk=request.GET["id"]).delete()
    return redirect("/")


def sql_5(request):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM notes_note WHERE id = %s RETURNING text", [request.GET["id"]])
        return HttpResponse(cursor.fetchone()[0])


def sql_6(request):
    return render(request, "notes/list.html", {"notes": Note.objects.filter(auther="Ann")})


def sql_6_arguments(request):
    notes = Note.objects.raw("SELECT * FROM notes_note WHERE author = %s AND text = %s", ["Ann"])
    return render(request, "notes/list.html", {"notes": notes})


def sql_7(request):
    return render(request, "notes/list.html", {"notes": Note.objects.all()})


def cmd_1(request):
    done = subprocess.run("echo " + request.GET["name"], shell=True, stdout=subprocess.PIPE)
    return HttpResponse(done.stdout, content_type="text/plain")


def cmd_2(request):
    subprocess.run([request.GET["tool"], request.GET["file"]])
    return redirect("/")


def cmd_3(request):
    done = subprocess.run(["sort", request.GET["file"]], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    return HttpResponse(done.stdout, content_type="text/plain")


def kv_2(request):
    return HttpResponse(cache.get("draft:" + request.GET["of"]), content_type="text/plain")


def url_1(request):
    with urllib.request.urlopen(request.GET["url"]) as answer:
        return HttpResponse(answer.read(), content_type="text/plain")


def path_1(request):
    return FileResponse(open(os.path.join(settings.MEDIA_ROOT, request.GET["name"]), "rb"))


def path_1_storage(request):
    return FileResponse(default_storage.open(request.GET["name"]))


def mail_1(request):
    send_mail(request.POST["subject"], "Hello.", "shop@shop.example", [request.POST["to"]])
    return redirect("/")


def hdr_1(request):
    response = HttpResponse("hello")
    response["X-Name"] = request.GET["name"]
    return response


def hdr_1_redirect(request):
    return redirect("/find?q=" + request.GET["q"])


def log_1(request):
    logging.getLogger("notes").warning("sign-in of %s failed", request.POST["name"])
    return redirect("/")


def tpl_1(request):
    layout = Template(request.POST["layout"])
    return HttpResponse(layout.render(RequestContext(request, {"note": Note.objects.get(text="a note of Ann")})))


def csv_1(request):
    response = HttpResponse(content_type="text/csv", headers={"Content-Disposition": 'attachment; filename="notes.csv"'})
    writer = csv.writer(response)
    for note in Note.objects.filter(author="Eve"):
        writer.writerow([note.author, note.text])
    return response
