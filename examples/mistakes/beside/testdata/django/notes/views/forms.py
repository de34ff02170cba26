"""Forms and state."""
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.csrf import csrf_exempt

from notes.forms import AllOfProfile, MostOfProfile, NameOfProfile, NoteForm, SignInForm, TextForm
from notes.models import Note, Profile


def csrf_1(request):
    if request.method == "POST":
        Note.objects.create(author="CSRF-1", text=request.POST["text"])
        return redirect("/")
    return render(request, "notes/csrf_1.html")


def csrf_2(request):
    return render(request, "notes/csrf_2.html")


def csrf_3(request):
    get_object_or_404(Note, pk=request.GET["delete"]).delete()
    return redirect("/")


def csrf_4(request):
    if request.method == "POST":
        Note.objects.create(author="CSRF-4", text=request.POST["text"])
        return redirect("/")
    return render(request, "notes/form.html", {"form": TextForm()})


@csrf_exempt
def csrf_6(request):
    Note.objects.create(author="CSRF-6", text=request.POST["text"])
    return redirect("/")


def edit_profile(request, form_class):
    form = form_class(request.POST or None, instance=Profile.objects.get(user=request.user))
    if form.is_valid():
        form.save()
        return redirect("/")
    return render(request, "notes/form.html", {"form": form})


@login_required
def mass_1(request):
    return edit_profile(request, AllOfProfile)


@login_required
def mass_2(request):
    return edit_profile(request, NameOfProfile)


@login_required
def mass_3(request):
    return edit_profile(request, MostOfProfile)


def form_1(request):
    form = TextForm(request.POST or None, request.FILES or None)
    if form.is_valid():
        size = form.cleaned_data["file"].size if form.cleaned_data["file"] else 0
        return HttpResponse("%d characters, %d bytes" % (len(form.cleaned_data["text"]), size))
    return render(request, "notes/form.html", {"form": form})


def form_2(request):
    return render(request, "notes/form_2.html", {"form": SignInForm(request.GET or None)})


def form_3(request):
    form = NoteForm(request.POST or None)
    if form.is_valid():
        form.save()
        return redirect("/")
    return render(request, "notes/form.html", {"form": form})


def form_4(request):
    Note.objects.create(author="FORM-4", text="taken from one account")
    raise ValueError("before it is given to the other")
