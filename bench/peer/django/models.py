from django.db import models


class Note(models.Model):
    author = models.TextField()
    title = models.TextField()
    text = models.TextField()
    votes = models.IntegerField()
    replies = models.IntegerField()
    done = models.BooleanField()
    pinned = models.BooleanField()

    class Meta:
        db_table = "note"
