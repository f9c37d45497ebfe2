"""The rules of submitted fields, with PocketBase's codes and texts."""

from typing import Any

from backups.names import CREATE_PATTERN, MAX_CREATE_LENGTH

from .exceptions import INVALID_DATA, ApiError, FieldError
from .parsers import text_field

MAX_CREDENTIAL = 255
IDENTITY_FIELDS = ("email", "username")

REQUIRED: dict[str, Any] = {
    "code": "validation_required",
    "message": "Cannot be blank.",
}
NOT_IN_LIST: dict[str, Any] = {
    "code": "validation_in_invalid",
    "message": "Must be a valid value.",
}


def backup_name(data: Any) -> str:
    """Return the name asked for, or "" for one to be generated."""
    name = text_field(data, "name")
    if not name:
        return ""
    if len(name.encode()) > MAX_CREATE_LENGTH:
        raise FieldError("name", **out_of_range(MAX_CREATE_LENGTH))
    if not CREATE_PATTERN.fullmatch(name):
        raise FieldError(
            "name", "validation_match_invalid", "Must be in a valid format."
        )
    return name


def name_taken() -> FieldError:
    return FieldError(
        "name",
        "validation_backup_name_exists",
        "The backup file name is invalid or already exists.",
    )


def credentials(data: Any) -> tuple[str, str, str]:
    """Return identity, password and the field that the identity stands for."""
    identity = text_field(data, "identity")
    password = text_field(data, "password")
    field = text_field(data, "identityField")
    problems: dict[str, Any] = {}
    for name, value in (("identity", identity), ("password", password)):
        if not value:
            problems[name] = REQUIRED
        elif len(value) > MAX_CREDENTIAL:
            problems[name] = out_of_range(MAX_CREDENTIAL)
    if field and field not in IDENTITY_FIELDS:
        problems["identityField"] = NOT_IN_LIST
    if problems:
        raise ApiError(400, INVALID_DATA, problems)
    return identity, password, field


def out_of_range(most: int) -> dict[str, Any]:
    return {
        "code": "validation_length_out_of_range",
        "message": f"The length must be between 1 and {most}.",
        "params": {"max": most, "min": 1},
    }
