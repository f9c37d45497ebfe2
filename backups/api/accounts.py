"""The endpoints around logging in: password, refresh, methods, file tokens."""

from itertools import islice
from typing import Any

from django.contrib.auth import authenticate, get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from rest_framework.response import Response

from . import limiter, validation
from .addresses import real_address, require_entry
from .base import ApiView
from .collections import (
    Account,
    Collection,
    find_collection,
    touch_login,
)
from .exceptions import ApiError
from .parsers import BodyParser
from .permissions import require_account
from .tokens import AuthToken, FileToken


class CollectionView(ApiView):
    """A view below ``/api/collections/<name or id>/``."""

    permission_classes = ()

    def require_collection(self) -> Collection:
        found = find_collection(self.kwargs["collection"])
        if found is None:
            raise ApiError(404, "Missing or invalid collection context.")
        return found


class AuthWithPasswordView(CollectionView):
    def post(self, request: Any, collection: str) -> Response:
        found = self.require_collection()
        require_known_type(request)
        identity, password, field = validation.credentials(request.data)
        address = real_address(request)
        if not limiter.may_try(address):
            raise ApiError(429, "Too Many Requests.")
        user = find_by_password(request, found, identity, password, field)
        if user is None:
            limiter.count_failure(address)
            raise ApiError(400, "Failed to authenticate.")
        account = Account(user, found)
        require_entry(request, account)
        touch_login(user)
        return Response(login_answer(account))


class AuthRefreshView(CollectionView):
    def post(self, request: Any, collection: str) -> Response:
        found = self.require_collection()
        account = require_account(request)
        if account.collection is not found:
            raise ApiError(
                403,
                "The request requires auth record from"
                f" {account.collection.name} collection.",
            )
        return Response(login_answer(account))


class AuthMethodsView(CollectionView):
    def get(self, request: Any, collection: str) -> Response:
        self.require_collection()
        off = {"enabled": False, "duration": 0}
        return Response(
            {
                "password": {
                    "identityFields": list(validation.IDENTITY_FIELDS),
                    "enabled": True,
                },
                "oauth2": {"providers": [], "enabled": False},
                "mfa": off,
                "otp": off,
                "authProviders": None,
                "usernamePassword": True,
                "emailPassword": True,
            }
        )


class FileTokenView(ApiView):
    permission_classes = ()

    def post(self, request: Any) -> Response:
        return Response({"token": str(FileToken(require_account(request)))})


def login_answer(account: Account) -> dict[str, Any]:
    return {"record": account.as_record(), "token": str(AuthToken(account))}


def require_known_type(request: Any) -> None:
    """Refuse a body of another type than JSON and forms in this endpoint's words."""
    if request.content_type and not BodyParser.reads(request.content_type):
        raise ApiError(400, "Unsupported Content-Type.")


def find_by_password(
    request: Any, collection: Collection, identity: str, password: str, field: str
) -> AbstractBaseUser | None:
    """Return the account of *collection* that the credentials open, or None.

    The site's own authentication backends decide. For an unknown identity they
    are asked all the same, so that the time taken tells nothing.
    """
    name = find_username(collection, identity, field)
    # As Django's own login form calls them, whatever the field is called.
    user = authenticate(request._request, username=name or identity, password=password)
    # What is no known e-mail address must not pass for a name instead.
    is_meant = name is not None or field != "email"
    return user if user is not None and is_meant and collection.admits(user) else None


def find_username(collection: Collection, identity: str, field: str) -> str | None:
    """Return the login name of the account of *collection* that *identity* means.

    Accounts that are not in it don't count: anybody may have chosen the e-mail
    address or the name of a superuser for one of those.
    """
    model = get_user_model()
    found: str | None = None
    by_field = {"username": model.USERNAME_FIELD, "email": model.get_email_field_name()}
    for kind, name in by_field.items():
        if field not in ("", kind) or not has_field(model, name):
            continue
        same = model._default_manager.filter(**{name: identity}).iterator()
        users = list(islice(filter(collection.admits, same), 2))
        # Django does not keep e-mail addresses unique: an ambiguous one is none.
        if len(users) == 1 and found is None:
            found = users[0].get_username()
    return found


def has_field(model: Any, name: str) -> bool:
    return any(field.name == name for field in model._meta.get_fields())
