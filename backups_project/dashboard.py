"""PocketBase's own dashboard, for those who have its files: ``DASHBOARD_DIR``."""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import URLPattern, path
from django.views.generic import RedirectView
from django.views.static import serve

V036_SCRIPT = "'sha256-GRUzBA7PzKYug7pqxv5rJaec5bwDCw1Vo6/IXwvD3Tc='"
# What PocketBase sends with it. Scripts and styles are files of its own, but for
# that one of v0.36.
CONTENT_SECURITY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:;"
    f" connect-src 'self'; script-src 'self' {V036_SCRIPT}; frame-ancestors 'none'"
)


def dashboard(request: HttpRequest, name: str) -> HttpResponseBase:
    """Serve one file of the dashboard."""
    name = name or "index.html"
    try:
        response = serve(request, name, document_root=settings.DASHBOARD_DIR)
    except Http404:
        if name != "extensions.js":
            raise
        # It loads this first; a server without extensions has an empty one.
        response = HttpResponse("", content_type="text/javascript")
    response["Content-Security-Policy"] = CONTENT_SECURITY
    return response


def dashboard_urls() -> list[URLPattern]:
    """Return the paths of the dashboard; none where there is no folder of it."""
    if not settings.DASHBOARD_DIR:
        return []
    to_folder: Any = RedirectView.as_view(url="/_/", permanent=False)
    return [
        path("_", to_folder),
        path("_/<path:name>", dashboard),
        path("_/", dashboard, {"name": ""}),
    ]
