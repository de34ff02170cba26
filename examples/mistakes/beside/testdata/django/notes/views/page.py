"""What the page prints."""
from django.contrib.auth.decorators import login_required
from django.core.files.storage import default_storage
from django.http import FileResponse, HttpResponse, JsonResponse
from django.shortcuts import redirect, render

from notes.models import Note


def xss_1(request):
    return render(request, "notes/xss_1.html", {"value": request.GET["value"]})


def xss_2(request):
    return render(request, "notes/xss_2.html", {"value": request.GET["value"]})


def xss_3(request):
    return HttpResponse("<h1>Hello " + request.GET["value"] + "</h1>")


def xss_4(request):
    return render(request, "notes/xss_4.html")


def xss_5(request):
    return render(request, "notes/xss_5.html", {"notes": Note.objects.filter(author="Eve")})


def xss_6(request):
    return render(request, "notes/xss_6.html")


def xss_7_upload(request):
    return redirect("/xss_7/?name=" + default_storage.save(request.FILES["file"].name, request.FILES["file"]))


def xss_7(request):
    return FileResponse(default_storage.open(request.GET["name"]))


def xss_8(request):
    return JsonResponse({"text": request.GET["value"]})


def xss_9(request):
    return render(request, "notes/xss_9.html", {"value": request.GET["value"]})


def page_1(request):
    return render(request, "notes/page_1.html", {"note": Note.objects.get(text="a note of Ann")})


def page_2(request):
    return render(request, "notes/page_2.html", {"note": Note.objects.get(text="a note of Ann")})


def frame_1(request):
    return render(request, "notes/list.html", {"notes": []})


@login_required
def cache_1(request):
    return render(request, "notes/list.html", {"notes": Note.objects.filter(owner=request.user)})
