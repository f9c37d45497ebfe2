"""Who calls: the token in the ``Authorization`` header, or a guest."""

from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework_simplejwt.exceptions import TokenError

from .addresses import may_enter
from .collections import Account
from .tokens import AuthToken, FileToken


class TokenAuthentication(BaseAuthentication):
    """Both forms that SDKs send: the bare token, or ``Bearer`` and one space.

    A bad token makes a guest, not an error: whether that is one is for the
    endpoint to say. ``request.auth`` is the Account.
    """

    def authenticate(self, request: Any) -> tuple[Any, Account] | None:
        header = request.headers.get("Authorization", "")
        if header[:7].lower() == "bearer ":
            header = header[7:]
        if not header:
            return None
        try:
            account = AuthToken.read(header).account
        except TokenError:
            return None
        return account.user, account


def may_download(request: Any) -> bool:
    """Whether ``?token=`` is the file token of a superuser who may come from there."""
    try:
        account = FileToken.read(request.GET.get("token", "")).account
    except TokenError:
        return False
    return account.is_superuser and may_enter(request, account)
