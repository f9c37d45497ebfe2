"""Errors of the API, and the one place where exceptions become answers."""

import logging
from typing import Any

from django.core.exceptions import SuspiciousOperation
from rest_framework.exceptions import APIException
from rest_framework.response import Response

from backups.exceptions import BackupError, OperationInProgress, RecoveryFailed

logger = logging.getLogger(__name__)

BUSY = "Try again later - another backup/restore process has already been started."
DEFAULT = "Something went wrong while processing your request."
NOT_FOUND = "The requested resource wasn't found."
NOT_ALLOWED = "You are not allowed to perform this request."
UNREADABLE_BODY = "An error occurred while loading the submitted data."
INVALID_DATA = "An error occurred while validating the submitted data."


class ApiError(APIException):
    """An answer of the contract: a status, a message, errors of fields."""

    def __init__(
        self, status: int, message: str = DEFAULT, data: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.status_code = status
        self.message = message
        self.data = data or {}


class FieldError(ApiError):
    """400 because of the value of one field."""

    def __init__(
        self,
        field: str,
        code: str,
        message: str,
        *,
        params: dict[str, Any] | None = None,
    ) -> None:
        detail: dict[str, Any] = {"code": code, "message": message}
        if params:
            detail["params"] = params
        super().__init__(400, INVALID_DATA, {field: detail})


def as_sentence(message: str) -> str:
    """Return *message* trimmed, with a capital letter and a full stop."""
    text = message.strip()
    if not text:
        return text
    text = text[0].upper() + text[1:]
    return text if text[-1] in ".?!" else f"{text}."


def exception_handler(error: Exception, context: dict[str, Any]) -> Response:
    """Turn whatever a view raised into the envelope."""
    found = translate(error)
    content = {
        "data": found.data,
        "message": as_sentence(found.message),
        "status": found.status_code,
    }
    return Response(content, status=found.status_code)


def translate(error: Exception) -> ApiError:
    """Return the answer that *error* stands for; an unknown one is logged."""
    match error:
        case ApiError():
            return error
        case OperationInProgress():
            return ApiError(400, BUSY)
        case RecoveryFailed():
            return ApiError(503, str(error))
        case BackupError():
            return ApiError(400, str(error))
        case SuspiciousOperation():
            return ApiError(400, UNREADABLE_BODY)
        case APIException():
            return ApiError(error.status_code, DEFAULT)
    logger.error("A view of the API failed.", exc_info=error)
    return ApiError(500, DEFAULT)
