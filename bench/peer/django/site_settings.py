"""The settings of the Django peer: what `startproject` and `check --deploy` ask for, less what the page does not use."""
import os

BASE = os.path.dirname(os.path.abspath(__file__))
SECRET_KEY = "the-bench-is-no-secret-" + "0123456789" * 5
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "site.test"]
ROOT_URLCONF = "site_urls"
WSGI_APPLICATION = "site_wsgi.application"
INSTALLED_APPS = ["django.contrib.sessions", "notes"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [{  # DEBUG is off: the loaders are cached
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "DIRS": [BASE],
    "OPTIONS": {"context_processors": []},
}]
DATABASES = {"default": {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": os.path.join(BASE, "django.db"),
    "CONN_MAX_AGE": None,  # a connection for the life of the worker: the default opens one a request
}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 63072000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_SSL_REDIRECT = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
USE_TZ = True
USE_I18N = False
LOGGING_CONFIG = None
