"""What all views of the API share, so that no setting of the site matters."""

from collections.abc import Callable, Sequence
from typing import Any

from django.db import connections, transaction
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils.cache import patch_vary_headers
from rest_framework import viewsets
from rest_framework.views import APIView

from backups.conf import get_settings

from .addresses import require_entry
from .authentication import TokenAuthentication
from .exceptions import NOT_FOUND, ApiError, exception_handler
from .fields import FieldsError, pick
from .parsers import BodyParser
from .permissions import IsSuperuser
from .renderers import JSONRenderer, OnlyJSON

MAX_BODY_BYTES = 32 << 20
URLS = "backups.api.urls"
METHODS = "GET,HEAD,PUT,PATCH,POST,DELETE"


class ApiView(APIView):
    """The policies, and the steps of PocketBase's pipeline before the handler."""

    authentication_classes = (TokenAuthentication,)
    permission_classes: Sequence[Any] = (IsSuperuser,)
    renderer_classes = (JSONRenderer,)
    parser_classes = (BodyParser,)
    throttle_classes = ()
    versioning_class = None
    content_negotiation_class = OnlyJSON
    has_body_limit = True

    @classmethod
    def as_view(cls, *args: Any, **kwargs: Any) -> Any:
        view = super().as_view(*args, **kwargs)
        # Under ATOMIC_REQUESTS nobody else would see the lease until the end.
        return outside_transactions(view)

    def get_exception_handler(self) -> Callable[..., Any]:
        return exception_handler

    def dispatch(
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        # Or LocaleMiddleware takes a 404 for a page in no language yet, and
        # redirects to the site's own catch-all.
        request.urlconf = URLS
        leave_uncompressed(request)
        if request.method == "OPTIONS":
            return preflight(request)
        return with_headers(request, super().dispatch(request, *args, **kwargs))

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        """Refuse in PocketBase's order: address, route, size, then the caller."""
        require_entry(request, request.auth)
        method = request.method.lower()
        if method not in self.http_method_names or not hasattr(self, method):
            raise ApiError(404, NOT_FOUND)
        if self.has_body_limit and body_length(request) > MAX_BODY_BYTES:
            raise ApiError(413, "Request entity too large.")
        if "HTTP_TRANSFER_ENCODING" in request.META and not body_length(request):
            # Django would take the body for an empty one.
            raise ApiError(411, "The request needs a Content-Length.")
        super().initial(request, *args, **kwargs)

    def finalize_response(
        self, request: Any, response: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Cut a successful JSON answer down to what ``?fields=`` asks for."""
        # Like PocketBase: of several, the first one counts.
        fields = next(iter(request.query_params.getlist("fields")), "")
        if fields and 200 <= response.status_code < 300 and hasattr(response, "data"):
            try:
                response.data = pick(response.data, fields)
            except FieldsError as error:
                response = self.handle_exception(ApiError(400, str(error)))
        return super().finalize_response(request, response, *args, **kwargs)


def outside_transactions(view: Callable[..., Any]) -> Callable[..., Any]:
    """Return *view* without the transaction of ATOMIC_REQUESTS around it."""
    for alias in connections:
        view = transaction.non_atomic_requests(using=alias)(view)
    return view


class ViewSet(ApiView, viewsets.ViewSet):
    """A set of endpoints with the same policies."""


class UnknownPath(ApiView):
    """404 in the envelope: it has no method at all."""

    permission_classes = ()


def empty(status: int = 204) -> StreamingHttpResponse:
    """Return an answer with no body, no type and no length.

    A streaming response, since CommonMiddleware gives every other a length.
    """
    response = StreamingHttpResponse((), status=status)
    del response["Content-Type"]
    return response


def leave_uncompressed(request: HttpRequest) -> None:
    """Keep GZipMiddleware from an answer that has ranges, a length or no body."""
    request.META.pop("HTTP_ACCEPT_ENCODING", None)


def preflight(request: HttpRequest) -> HttpResponseBase:
    """Answer OPTIONS, on any path and for anybody."""
    response = empty()
    response["Access-Control-Allow-Origin"] = get_settings().CORS_ORIGIN
    response["Access-Control-Allow-Methods"] = METHODS
    if wanted := request.headers.get("Access-Control-Request-Headers"):
        response["Access-Control-Allow-Headers"] = wanted
    patch_vary_headers(
        response,
        ["Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"],
    )
    return response


def with_headers(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Add CORS and security headers, to errors as well."""
    patch_vary_headers(response, ["Origin"])
    # What DRF adds and PocketBase never sends.
    response.headers.pop("Allow", None)
    if "Origin" in request.headers:
        response["Access-Control-Allow-Origin"] = get_settings().CORS_ORIGIN
    response["X-XSS-Protection"] = "1; mode=block"
    response["X-Content-Type-Options"] = "nosniff"
    response["X-Frame-Options"] = "SAMEORIGIN"
    # The API answers tokens and archives.
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def body_length(request: Any) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0
