"""The shop with a model whose text has no limit."""
from shop.settings import *  # noqa: F401,F403
from shop.settings import INSTALLED_APPS

INSTALLED_APPS = INSTALLED_APPS + ["unbounded"]
