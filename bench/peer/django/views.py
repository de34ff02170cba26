from django.http import HttpResponseForbidden
from django.shortcuts import render

from .models import Note


def notes(request):
    name = request.session.get("name")
    if name is None:
        return HttpResponseForbidden("sign in first")
    return render(request, "notes.html", {"user_name": name, "notes": Note.objects.order_by("-id")[:50]})
