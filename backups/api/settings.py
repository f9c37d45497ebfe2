"""The settings of the site and the test of its S3, as PocketBase has them."""

import json
from typing import Any

from django.http import HttpResponseBase
from rest_framework.response import Response

from backups import operations, site_settings
from backups.exceptions import BackupError
from backups.site_settings import InvalidSettings, Stored, UnreadableSettings

from . import validation
from .base import ApiView, empty
from .exceptions import UNREADABLE_BODY, ApiError
from .parsers import JSON, text_field

NOT_SAVED = "An error occurred while saving the new settings."
NO_S3 = "Failed to test the S3 filesystem."
FILESYSTEMS = ("storage", "backups")


class SettingsView(ApiView):
    """Everything that superusers may change, without secrets."""

    def get(self, request: Any) -> Response:
        return Response(Stored.load().public())

    def patch(self, request: Any) -> Response:
        try:
            stored = site_settings.change(submitted(request))
        except UnreadableSettings as error:
            raise ApiError(400, UNREADABLE_BODY) from error
        except InvalidSettings as error:
            raise ApiError(400, NOT_SAVED, error.problems) from error
        return Response(stored.public())


class S3TestView(ApiView):
    """Write, read, list and delete a small file where archives are kept."""

    def post(self, request: Any) -> HttpResponseBase:
        filesystem = text_field(request.data, "filesystem")
        if problem := find_problem(filesystem):
            raise ApiError(400, NO_S3, {"filesystem": problem})
        if filesystem != "backups" or not operations.is_remote():
            raise s3_failure("S3 storage filesystem is not enabled.")
        try:
            operations.probe_store()
        except BackupError as error:
            raise s3_failure(str(error)) from error
        return empty()


def find_problem(filesystem: str) -> dict[str, Any] | None:
    if not filesystem:
        return validation.REQUIRED
    return None if filesystem in FILESYSTEMS else validation.NOT_IN_LIST


def s3_failure(cause: str) -> ApiError:
    return ApiError(400, f"{NO_S3} Raw error: \n{cause}")


def submitted(request: Any) -> dict[str, Any]:
    """Return the changes, nested; a form names them like ``backups.cron``."""
    fields = request.data
    if request.content_type and request.content_type.startswith(JSON):
        return dict(fields)
    changes: dict[str, Any] = {}
    for path, value in fields.items():
        model = site_settings.default_of(path)
        site_settings.enter(changes, path, typed(value, model))
    return changes


def typed(value: Any, model: Any) -> Any:
    """Return a text of a form as the type that the setting has."""
    if not isinstance(value, str) or model is None or isinstance(model, str):
        return value
    if isinstance(model, list) and not value.startswith("["):
        return [value] if value else []
    try:
        return json.loads(value)
    except ValueError as error:
        raise ApiError(400, UNREADABLE_BODY) from error
