"""URLs of the reference project."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from backups.api.paths import clean_path

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("api/", include("backups.api.urls")),
    re_path(r"^[/]+api(?:/|\Z)", clean_path),
]
