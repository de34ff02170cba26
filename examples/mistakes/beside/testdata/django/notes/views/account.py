"""Sessions, cookies, accounts."""
import logging

from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.models import User
from django.http import HttpResponse, HttpResponseForbidden, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render

from notes.models import Note, Profile


def cook_1(request):
    response = redirect("/")
    response.set_cookie("remember", "a-token-of-ann")
    return response


def cook_2(request):
    if request.COOKIES.get("role") != "admin":
        return HttpResponseForbidden()
    return HttpResponse("the admin's page")


def sess_1(request):
    request.session["cart"] = "3 apples"
    return HttpResponse("kept")


@login_required
def who(request):
    return HttpResponse("%s, staff: %s" % (request.user.username, request.user.is_staff))


def sess_4(request):
    request.session["currency"] = request.GET["currency"]
    return redirect("/")


def pass_1(request):
    profile = Profile.objects.get(user__username=request.POST["username"])
    if profile.password == request.POST["password"]:
        login(request, profile.user, backend="django.contrib.auth.backends.ModelBackend")
    return redirect("/")


def pass_1_keep(request):
    Profile.objects.filter(user__username="ann").update(password=request.POST["password"])
    return JsonResponse({"password": request.POST["password"]})


def pass_2(request):
    logging.getLogger("notes").warning("sign-in failed: %s", request.POST)
    return JsonResponse({"you sent": request.POST})


def auth_1(request):
    return HttpResponse("the members: %d" % User.objects.count())


@login_required
def auth_2(request):
    return HttpResponse(get_object_or_404(Note, pk=request.GET["id"]).text)


def auth_3_menu(request):
    return HttpResponse('<a href="/auth_3/">All users</a>' if request.user.is_staff else "nothing for you")


@login_required
def auth_3(request):
    return HttpResponse("the board: %d users" % User.objects.count())


def auth_6(request):
    form = UserCreationForm(request.POST or None)
    if form.is_valid():
        form.save()
        return redirect("/")
    return render(request, "notes/form.html", {"form": form})
