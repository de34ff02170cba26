"""One address for each view, which has the name of its mistake."""
from django.contrib.auth.urls import urlpatterns as accounts
from django.http import HttpResponse
from django.urls import include, path

from notes.views import account, browser, forms, inject, page

urlpatterns = [path("", lambda request: HttpResponse("home")), path("accounts/", include(accounts))]
for module in (account, browser, forms, inject, page):
    for name, view in vars(module).items():
        if getattr(view, "__module__", None) == module.__name__ and hasattr(view, "__call__"):
            urlpatterns.append(path(name + "/", view))
