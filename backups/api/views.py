"""The endpoints for backups, operations and health."""

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from urllib.parse import unquote

from django.http import HttpResponseBase
from django.urls import reverse
from rest_framework.decorators import action
from rest_framework.response import Response

from backups import dispatch, operations
from backups.exceptions import (
    BackupError,
    BackupInUse,
    BackupNotFound,
    BackupProtected,
    InvalidArchive,
    InvalidName,
    NameTaken,
    NameUnchecked,
    StoreFailed,
)
from backups.middleware import leave_gate
from backups.models import Operation

from . import validation
from .addresses import real_address, settings_of
from .authentication import may_download
from .base import ApiView, ViewSet, empty
from .dates import format_date
from .download import send_file
from .exceptions import NOT_FOUND, ApiError, FieldError
from .uploads import FIELD, receive_multipart

NO_STORE = "Failed to load backups filesystem."
NO_CREATE = "Failed to create backup."
NO_RESTORE = "Missing or invalid backup file."
NO_DELETE = "Invalid or already deleted backup file."
NO_ACCESS = "Insufficient permissions to access the resource."
LISTED_OPERATIONS = 100


class BackupViewSet(ViewSet):
    """The endpoints of PocketBase's Backups API, and two more of our own."""

    lookup_url_kwarg = "key"
    lookup_value_regex = "[^/]+"

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        require_one_segment(request, kwargs.get("key", ""))
        super().initial(request, *args, **kwargs)

    @property
    def has_body_limit(self) -> bool:  # type: ignore[override]
        return self.action != "upload"

    def get_permissions(self) -> Sequence[Any]:
        # A download shows its own token, so that a plain link works.
        is_download = self.action in ("retrieve", "retrieve_upload")
        return [] if is_download else super().get_permissions()

    def list(self, request: Any) -> Response:
        try:
            found = operations.list_backups()
        except StoreFailed as error:
            raise ApiError(
                400, f"Failed to retrieve backup items. Raw error: \n{error}"
            ) from error
        return Response(
            [
                {
                    "modified": format_date(item.modified),
                    "key": item.key,
                    "size": item.size,
                }
                for item in found
            ]
        )

    def create(self, request: Any) -> HttpResponseBase:
        operations.require_idle()
        name = validation.backup_name(request.data)
        try:
            claim = operations.claim_create(name, actor=request.auth.name)
        except (NameTaken, NameUnchecked) as error:
            raise validation.name_taken() from error
        except StoreFailed as error:
            raise ApiError(400, NO_CREATE) from error
        try:
            dispatch.run(claim)
        except BackupError as error:
            raise ApiError(400, NO_CREATE) from error
        if wants_no_wait(request):
            return accepted(request, claim.operation)
        done = dispatch.wait(claim)
        if done.state == Operation.State.FAILED:
            raise ApiError(400, NO_CREATE)
        return empty()

    @action(detail=False, methods=["post"])
    def upload(self, request: Any) -> HttpResponseBase:
        leave_gate(request)
        try:
            with receive_multipart(request) as upload:
                if upload is None:
                    raise FieldError(FIELD, **validation.REQUIRED)
                upload.publish()
        except InvalidArchive as error:
            raise FieldError(
                FIELD,
                "validation_invalid_mime_type",
                f'"{upload and upload.key}" mime type must be one of: application/zip.',
            ) from error
        except (NameTaken, NameUnchecked, InvalidName) as error:
            raise FieldError(
                FIELD,
                "validation_backup_name_exists",
                "Backup file with the specified name already exists.",
            ) from error
        except (StoreFailed, OSError) as error:
            raise ApiError(400, "Failed to upload backup.") from error
        return empty()

    def retrieve(self, request: Any, key: str) -> HttpResponseBase:
        if not may_download(request):
            raise ApiError(403, NO_ACCESS)
        try:
            found = operations.find_backup(key)
            file = operations.open_backup(found)
        except BackupNotFound as error:
            raise ApiError(404, NOT_FOUND) from error
        except StoreFailed as error:
            raise ApiError(500, NO_STORE) from error
        leave_gate(request)
        return send_file(request, found, file)

    def destroy(self, request: Any, key: str) -> HttpResponseBase:
        try:
            operations.delete_backup(key, actor=request.auth.name)
        except BackupInUse as error:
            raise ApiError(
                400, "The backup is currently being used and cannot be deleted."
            ) from error
        except BackupProtected as error:
            raise ApiError(400, str(error)) from error
        except (BackupNotFound, StoreFailed) as error:
            raise ApiError(400, NO_DELETE) from error
        return empty()

    @action(detail=True, methods=["post"])
    def restore(self, request: Any, key: str) -> HttpResponseBase:
        claim = claim_on(
            request,
            key,
            partial(
                operations.claim_restore,
                safety_copy=flag(request.query_params.get("safetyCopy")),
            ),
        )
        return run_restore(request, claim)

    @action(detail=True, methods=["post"])
    def verify(self, request: Any, key: str) -> HttpResponseBase:
        return run(request, claim_on(request, key, operations.claim_verify))

    @action(detail=True, methods=["get"])
    def preview(self, request: Any, key: str) -> Response:
        try:
            found = operations.preview_restore(key)
        except BackupNotFound as error:
            raise ApiError(404, NOT_FOUND) from error
        except StoreFailed as error:
            raise ApiError(500, NO_STORE) from error
        except InvalidArchive as error:
            raise ApiError(400, f"{NO_RESTORE} {error}") from error
        return Response(camelized(dataclasses.asdict(found)))

    # “upload” is also a key: GET and DELETE of it are not the upload's.
    @upload.mapping.get
    def retrieve_upload(self, request: Any) -> HttpResponseBase:
        return self.retrieve(request, "upload")

    @upload.mapping.delete
    def destroy_upload(self, request: Any) -> HttpResponseBase:
        return self.destroy(request, "upload")


class OperationViewSet(ViewSet):
    """What ran, what runs, and how it ended."""

    lookup_url_kwarg = "token"
    lookup_value_regex = "[^/]+"

    def list(self, request: Any) -> Response:
        newest = operations.recent_operations()[:LISTED_OPERATIONS]
        return Response([as_json(operation) for operation in newest])

    def retrieve(self, request: Any, token: str) -> Response:
        operation = operations.find_operation(token)
        if operation is None:
            raise ApiError(404, NOT_FOUND)
        return Response(as_json(operation))

    @action(detail=True, methods=["post"])
    def undo(self, request: Any, token: str) -> HttpResponseBase:
        operation = operations.find_operation(token)
        if operation is None:
            raise ApiError(404, NOT_FOUND)
        claim = claim_on(request, operation.token, operations.claim_undo)
        return run_restore(request, claim)


class HealthView(ApiView):
    """Whether the server is up; for a superuser, whether a backup can start."""

    permission_classes = ()

    def get(self, request: Any) -> Response:
        data = {}
        if request.auth and request.auth.is_superuser:
            data = {
                "canBackup": operations.is_idle(),
                "possibleProxyHeader": possible_proxy_header(request),
                "realIP": real_address(request),
            }
        return Response({"message": "API is healthy.", "code": 200, "data": data})


def claim_on(
    request: Any, what: Any, claim: Callable[..., operations.Claim]
) -> operations.Claim:
    """Claim an operation on a stored backup, or on a former operation."""
    operations.require_idle()
    try:
        return claim(what, actor=request.auth.name)
    except (BackupNotFound, StoreFailed) as error:
        raise ApiError(400, NO_RESTORE) from error


def run_restore(request: Any, claim: operations.Claim) -> HttpResponseBase:
    if dispatch.is_inline():
        leave_gate(request)  # Or the restore would wait for this request.
    # From then on the archive is proven and the site is being replaced.
    return run(request, claim, phase=operations.COMMITTING)


def run(
    request: Any, claim: operations.Claim, *, phase: str | None = None
) -> HttpResponseBase:
    """Run it, to its end or to *phase*, and answer with the cause if it fails."""
    try:
        dispatch.run(claim)
    except BackupError as error:
        raise ApiError(400, f"{NO_RESTORE} {error}") from error
    if wants_no_wait(request):
        return accepted(request, claim.operation)
    done = dispatch.wait(claim, phase=phase)
    if done.state == Operation.State.FAILED:
        raise ApiError(400, f"{NO_RESTORE} {done.error}")
    return empty()


def flag(text: str | None) -> bool | None:
    """Return what a yes-or-no parameter says, or None if it says neither."""
    return {"true": True, "1": True, "false": False, "0": False}.get(text or "")


def camelized(value: Any) -> Any:
    """Return plain data with its names in the style of the API."""
    if isinstance(value, list):
        return [camelized(item) for item in value]
    if isinstance(value, dict):
        return {camel_case(name): camelized(item) for name, item in value.items()}
    return value


def camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.title() for word in others)


def possible_proxy_header(request: Any) -> str:
    """Return the name of a header that a known proxy in front would set."""
    known = ("CF-Connecting-IP", "Fly-Client-IP")
    for name in (*settings_of(request).proxy_headers, *known):
        if request.headers.get(name):
            return name
    return ""


def require_one_segment(request: Any, key: str) -> None:
    """Raise 404 if a slash of *key* was a real one in the URL.

    Django knows the decoded path; the server's raw one tells ``%2F`` apart.
    """
    raw = request.META.get("RAW_URI") or request.META.get("REQUEST_URI")
    if scope := getattr(request._request, "scope", None):
        raw = scope.get("raw_path", b"").decode("latin-1")
    if raw and "/" in key:
        segments = raw.partition("?")[0].split("/")
        if key not in map(unquote, segments):
            raise ApiError(404, NOT_FOUND)


def wants_no_wait(request: Any) -> bool:
    """Whether the client asks for 202 at once (RFC 7240)."""
    wishes = request.headers.get("Prefer", "").lower().split(",")
    return "respond-async" in (wish.strip() for wish in wishes)


def accepted(request: Any, operation: Operation) -> Response:
    """Return 202 and where to look for the outcome."""
    response = Response(as_json(operation), status=202)
    name = f"{request.resolver_match.namespace}:operation-detail"
    response["Location"] = reverse(name, args=[operation.token])
    response["Preference-Applied"] = "respond-async"
    return response


def as_json(operation: Operation) -> dict[str, Any]:
    return {
        "id": str(operation.token),
        "kind": operation.kind,
        "key": operation.key,
        "state": operation.state,
        "phase": operation.phase,
        "bytesDone": operation.bytes_done,
        "bytesTotal": operation.bytes_total,
        "started": format_date(operation.started),
        "finished": format_date(operation.finished),
        "actor": operation.actor,
        "error": operation.error,
        "notes": operation.remarks,
        "safetyKey": operation.safety_key,
    }
