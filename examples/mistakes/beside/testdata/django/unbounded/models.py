"""FORM-1, in a model: a text without a limit."""
from django.db import models


class Comment(models.Model):
    text = models.CharField()
