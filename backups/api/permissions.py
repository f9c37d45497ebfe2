"""Who may: a superuser, with a token of the superusers' collection."""

from typing import Any

from rest_framework.permissions import BasePermission

from .collections import Account
from .exceptions import ApiError

NO_TOKEN = "The request requires valid record authorization token."  # noqa: S105
NOT_SUPERUSER = "The authorized record is not allowed to perform this action."


def require_account(request: Any) -> Account:
    """Return who calls, or raise 401."""
    if request.auth is None:
        raise ApiError(401, NO_TOKEN)
    return request.auth


class IsSuperuser(BasePermission):
    """401 for a guest, 403 for anybody else who is no superuser."""

    def has_permission(self, request: Any, view: Any) -> bool:
        if not require_account(request).is_superuser:
            raise ApiError(403, NOT_SUPERUSER)
        return True
