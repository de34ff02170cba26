"""A note belongs to somebody; a profile says what somebody may do."""
from django.contrib.auth.models import User
from django.db import models


class Note(models.Model):
    owner = models.ForeignKey(User, null=True, on_delete=models.CASCADE)
    author = models.CharField(max_length=80)
    text = models.TextField()
    link = models.CharField(max_length=200, blank=True)

    def broken(self):
        raise ValueError("half-way")


class Profile(models.Model):
    user = models.OneToOneField(User, on_delete=models.CASCADE)
    name = models.CharField(max_length=80)
    is_admin = models.BooleanField(default=False)
    password = models.CharField(max_length=80, blank=True)
