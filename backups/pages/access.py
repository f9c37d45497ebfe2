"""Who may see the pages, and what a browser may do with them."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponseBase

CONTENT_SECURITY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)


def page(view: Callable[..., Any], model_admin: Any) -> Callable[..., Any]:
    """Return *view* for superusers only, behind the admin's login and its CSRF.

    Under a policy that allows no inline script or style, and outside of
    ATOMIC_REQUESTS: nobody else would see the lease until the end.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not model_admin.has_view_permission(request):
            raise PermissionDenied
        response = view(request, model_admin, *args, **kwargs)
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY)
        return response

    wrapped: Any = model_admin.admin_site.admin_view(guarded)
    for alias in connections:
        wrapped = transaction.non_atomic_requests(using=alias)(wrapped)
    return wrapped
