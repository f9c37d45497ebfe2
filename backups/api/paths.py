"""Redirects from sloppy paths to clean ones, as PocketBase's server makes them."""

import posixpath

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponseBase
from django.utils.encoding import escape_uri_path
from django.views.decorators.csrf import csrf_exempt

from .base import empty

UNCLEAN = r"(?:^|/)(?:/|\.{1,2}(?:/|\Z))"
"""Matches an empty, ``.`` or ``..`` segment."""


@csrf_exempt
@login_not_required
def clean_path(request: HttpRequest) -> HttpResponseBase:
    """Answer 307 with the path cleaned and the query kept."""
    cleaned = "/" + posixpath.normpath(request.path).lstrip("/")
    if request.path.endswith("/") and cleaned != "/":
        cleaned += "/"
    # The path was decoded; in a header a backslash or a line break would do harm.
    cleaned = escape_uri_path(cleaned)
    query = request.META.get("QUERY_STRING", "")
    response = empty(307)
    response["Location"] = f"{cleaned}?{query}" if query else cleaned
    return response
