"""A small site for the tests: articles with an attached file."""

from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "tests.site"
    label = "site"
    default_auto_field = "django.db.models.BigAutoField"
