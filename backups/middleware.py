"""The gate in front of every view: closed while a restore is being committed."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import Resolver404, resolve
from django.utils import translation
from django.utils.translation import get_language_from_request

from backups.texts import gettext_noop as _

from . import gate, operations, scheduler
from .conf import get_settings

API = "backups-api"
RETRY_AFTER = "2"
CLOSED = _("The site is being restored. Try again in a few seconds.")
PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><title>{text}</title>
<meta name="viewport" content="width=device-width">{refresh}</head>
<body><h1>{text}</h1></body></html>
"""
REFRESH = f'<meta http-equiv="refresh" content="{RETRY_AFTER}">'


class GateMiddleware:
    """Answer 503 while the data is being replaced; forget the old data after.

    Put it first in ``MIDDLEWARE``. It also settles a restore whose process
    died: at start-up, and on the first request that finds the site closed.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        gate.mark_seen()
        operations.recover_if_abandoned()
        scheduler.start_timer()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        scheduler.start_timer()  # A server may have forked since it loaded the site.
        place = gate.enter()
        if place is None and operations.recover_if_abandoned():
            place = gate.enter()
        if place is None:
            return unavailable(request)
        request.backups_gate = place  # type: ignore[attr-defined]
        try:
            gate.forget_old_data()
            response = self.get_response(request)
        except BaseException:
            place.leave()
            raise
        if response.streaming:
            leave_at_the_end(response, place)
        else:
            place.leave()
        return response


def leave_at_the_end(response: HttpResponseBase, place: gate.Pass) -> None:
    """Leave the gate when the server has sent the last piece."""
    close = response.close

    def close_and_leave() -> None:
        close()
        place.leave()

    response.close = close_and_leave  # type: ignore[method-assign]


def leave_gate(request: Any) -> None:
    """Let a restore begin although this request goes on.

    For views that from here on move an archive and touch no restored data.
    """
    if place := getattr(request, "backups_gate", None):
        place.leave()


def unavailable(request: HttpRequest) -> HttpResponse:
    """Return 503, in the form that the caller of that path reads."""
    if is_api(request):
        response: HttpResponse = JsonResponse(
            {"data": {}, "message": CLOSED, "status": 503}, status=503
        )
        response["Access-Control-Allow-Origin"] = get_settings().CORS_ORIGIN
    else:
        response = HttpResponse(closed_page(request), status=503)
    response["Retry-After"] = RETRY_AFTER
    response["Cache-Control"] = "no-store"
    return response


def closed_page(request: HttpRequest) -> str:
    """Return a page in the visitor's language; one that was only looked at reloads."""
    language = get_language_from_request(request)
    with translation.override(language):
        return PAGE.format(
            language=language,
            text=translation.gettext(CLOSED),
            refresh=REFRESH if request.method == "GET" else "",
        )


def is_api(request: HttpRequest) -> bool:
    """Whether the path is one of the API, wherever the project includes it."""
    try:
        return API in resolve(request.path_info).app_names
    except Resolver404:
        return False
