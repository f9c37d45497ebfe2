"""URLs of the reference project."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

import backups.api.schema  # noqa: F401  # Describes the API to drf-spectacular.
from backups.api.paths import clean_path

from .dashboard import dashboard_urls

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    # Before the API, whose last path is 404 for all that it doesn't know.
    path("api/openapi.json", SpectacularJSONAPIView.as_view(), name="openapi"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="openapi")),
    path("api/", include("backups.api.urls")),
    re_path(r"^[/]+api(?:/|\Z)", clean_path),
    *dashboard_urls(),
]
