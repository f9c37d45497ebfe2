"""Auth tokens and file tokens: JSON web tokens that die with the password.

Like PocketBase's they hold only ids and an end, and each account signs with a
key of its own, which a change of the password replaces. Source: its "API rules"
for auth records, and RFC 7519.
"""

from datetime import timedelta
from typing import Any, Self

import jwt
from django.utils.crypto import salted_hmac
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import Token

from backups.conf import get_settings

from .collections import Account, find_collection, find_user


class AccountToken(Token):
    """A token of one account; its text is ``str(token)``."""

    def __init__(self, account: Account, token: str | None = None) -> None:
        self.account = account
        self.backend = TokenBackend("HS256", self._signing_key())
        super().__init__(token)  # type: ignore[arg-type]
        if token is None:
            self.payload = {**self._identity(), "exp": self.payload["exp"]}

    @classmethod
    def read(cls, text: str) -> Self:
        """Return the token that *text* holds.

        Raises TokenError if it is malformed, forged, expired, of another type,
        or of an account that is gone, inactive or no longer a superuser.
        """
        try:
            # Only to learn whose key to verify it with.
            claims = jwt.decode(text, options={"verify_signature": False})
        except jwt.InvalidTokenError as error:
            raise TokenError("The token is malformed.") from error
        collection = find_collection(str(claims.get("collectionId")))
        user = find_user(str(claims.get("id")))
        if collection is None or user is None or not collection.admits(user):
            raise TokenError("The token belongs to no account.")
        return cls(Account(user, collection), text)

    def get_token_backend(self) -> TokenBackend:
        return self.backend

    def verify(self) -> None:
        """Check the end and the identity; the signature was checked before."""
        self.check_exp()
        wanted = self._identity()
        if any(self.payload.get(claim) != wanted[claim] for claim in wanted):
            raise TokenError("The token is of another kind or account.")

    def set_iat(self, claim: str = "iat", at_time: Any = None) -> None:
        """PocketBase's tokens do not say when they were made."""

    def set_jti(self) -> None:
        """Nor do they have an id: the password ends them."""

    def _identity(self) -> dict[str, Any]:
        return {
            "type": self.token_type,
            "id": self.account.id,
            "collectionId": self.account.collection.id,
        }

    def _signing_key(self) -> str:
        parts = (self.token_type, self.account.collection.id, self.account.id)
        secret = f"{'/'.join(map(str, parts))}/{self.account.user.password}"
        return salted_hmac("backups.api.tokens", secret, algorithm="sha256").hexdigest()


class AuthToken(AccountToken):
    """What a login gives: it goes into the ``Authorization`` header."""

    token_type = "auth"  # noqa: S105

    @property
    def lifetime(self) -> timedelta:  # type: ignore[override]
        return timedelta(seconds=get_settings().API_TOKEN_LIFETIME)

    def _identity(self) -> dict[str, Any]:
        return {**super()._identity(), "refreshable": True}


class FileToken(AccountToken):
    """What opens a download link: it goes into ``?token=``."""

    token_type = "file"  # noqa: S105

    @property
    def lifetime(self) -> timedelta:  # type: ignore[override]
        return timedelta(seconds=get_settings().FILE_TOKEN_LIFETIME)
