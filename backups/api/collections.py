"""The two kinds of accounts that a client can log in to, over Django's users."""

import dataclasses
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.utils import timezone

from .dates import format_date


@dataclasses.dataclass(frozen=True)
class Collection:
    """A PocketBase auth collection."""

    id: str
    name: str

    def admits(self, user: Any) -> bool:
        """Whether *user* may act as an account of this collection."""
        return bool(
            user.is_active
            and (self is not SUPERUSERS or getattr(user, "is_superuser", False))
        )


SUPERUSERS = Collection("pbc_3142635823", "_superusers")
USERS = Collection("_pb_users_auth_", "users")


@dataclasses.dataclass(frozen=True)
class Account:
    """A user, seen through the collection that it logged in to."""

    user: AbstractBaseUser
    collection: Collection

    @property
    def is_superuser(self) -> bool:
        return self.collection is SUPERUSERS

    @property
    def id(self) -> str:
        return record_id(self.user)

    @property
    def name(self) -> str:
        """What the history calls this account."""
        return self.user.get_username()

    def as_record(self) -> dict[str, Any]:
        """Return what PocketBase calls the auth record."""
        created = getattr(self.user, "date_joined", None)
        updated = self.user.last_login or created
        return {
            "collectionId": self.collection.id,
            "collectionName": self.collection.name,
            "created": format_date(created),
            "email": getattr(self.user, self.user.get_email_field_name(), ""),
            "emailVisibility": False,
            "id": self.id,
            "updated": format_date(updated),
            "username": self.user.get_username(),
            "verified": True,
        }


def find_collection(name_or_id: str) -> Collection | None:
    for collection in (SUPERUSERS, USERS):
        if name_or_id in (collection.id, collection.name):
            return collection
    return None


def record_id(user: Any) -> str:
    """Return the primary key as text; a number is padded to 15 characters."""
    return str(user.pk).rjust(15, "0") if isinstance(user.pk, int) else str(user.pk)


def find_user(text: str) -> AbstractBaseUser | None:
    """Return the user with that record id, or None; any text is allowed."""
    model = get_user_model()
    try:
        key = model._meta.pk.to_python(text)
        return model._default_manager.filter(pk=key).first()
    except (ValidationError, ValueError, OverflowError):
        return None


def touch_login(user: AbstractBaseUser) -> None:
    """Record the login the way Django does, where the model keeps it."""
    if type(user).last_login is None:
        return  # So a model takes the field away that it would inherit.
    user.last_login = timezone.now()
    user.save(update_fields=["last_login"])
