"""The browser believed, the server exposed."""
import json

from django.core.files.storage import default_storage
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect


def trust_1(request):
    address = request.META.get("HTTP_X_FORWARDED_FOR", request.META["REMOTE_ADDR"])
    if address != "10.0.0.1":
        return HttpResponse("only from inside", status=403)
    return HttpResponse("welcome, " + address)


def trust_2(request):
    return HttpResponse("Your link: " + request.build_absolute_uri("/confirm/1"))


def trust_3(request):
    return redirect(request.GET["next"])


def trust_4(request):
    return HttpResponse("method " + request.method)


def trust_5(request):
    response = JsonResponse({"balance": 12})
    response["Access-Control-Allow-Origin"] = request.headers.get("Origin", "*")
    response["Access-Control-Allow-Credentials"] = "true"
    return response


def trust_6(request):
    file = request.FILES["file"]
    if not file.content_type.startswith("image/"):
        return HttpResponse("an image, please", status=400)
    return HttpResponse(default_storage.save(file.name, file))


def secr_2(request):
    raise ValueError("the inside of the shop")


def avail_1(request):
    return HttpResponse("%d fields, %d files" % (len(request.POST), len(request.FILES)))


def avail_1_json(request):
    return HttpResponse(len(json.loads(request.body)))
