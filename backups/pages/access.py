"""Who may see the pages, and what a browser may do with them."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect

from backups.api.addresses import may_enter
from backups.api.authentication import may_download
from backups.api.base import outside_transactions
from backups.api.collections import SUPERUSERS, Account
from backups.api.tokens import FileToken

View = Callable[..., Any]

CONTENT_SECURITY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)


def page(view: View, model_admin: Any) -> View:
    """Return *view* for superusers only, behind the admin's login and its CSRF.

    From the addresses that the settings allow them, under a policy without inline
    scripts and styles, and outside of ATOMIC_REQUESTS: nobody else would see the
    lease until the end.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not model_admin.has_view_permission(request) or not may_enter(
            request, account_of(request)
        ):
            raise PermissionDenied
        response = view(request, model_admin, *args, **kwargs)
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY)
        return response

    return outside_transactions(model_admin.admin_site.admin_view(guarded))


def link(view: View, model_admin: Any) -> View:
    """Return *view* for whoever follows a link with a file token.

    A superuser without one is sent to such a link: it can be given to another
    program, and a download that broke goes on with it, without a second login.
    """

    def send_to_link(request: HttpRequest, model_admin: Any) -> HttpResponseBase:
        query = request.GET.copy()
        query["token"] = str(FileToken(account_of(request)))
        return HttpResponseRedirect(f"{request.path}?{query.urlencode()}")

    issue = page(send_to_link, model_admin)

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if may_download(request):
            return view(request, model_admin, *args, **kwargs)
        return issue(request, *args, **kwargs)

    return outside_transactions(guarded)


def account_of(request: Any) -> Account:
    return Account(request.user, SUPERUSERS)
