"""What the site stores."""

from django.db import models


class Article(models.Model):
    title = models.CharField(max_length=200)
    body = models.TextField(blank=True)
    summary = models.TextField(blank=True, default="")
    attachment = models.FileField(upload_to="articles/", blank=True)

    def __str__(self) -> str:
        return self.title
