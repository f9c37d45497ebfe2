"""Callers with their tokens, a client, a shelf of stored files, a busy site."""

import os
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import storages
from django.utils import timezone

from backups import lease
from backups.api.collections import SUPERUSERS, USERS, Account
from backups.api.tokens import AuthToken, FileToken
from backups.models import Operation

from .wire import Api

EMPTY_ZIP = b"PK\x05\x06" + bytes(18)
PASSWORD = "correct horse battery"


class Shelf:
    """The folder of the backups storage."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(
        self, key: str, content: bytes = EMPTY_ZIP, *, modified_ns: int | None = None
    ) -> Path:
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if modified_ns is not None:
            os.utime(path, ns=(modified_ns, modified_ns))
        return path

    def keys(self) -> list[str]:
        paths = (path for path in self.root.rglob("*") if path.is_file())
        return sorted(str(path.relative_to(self.root)) for path in paths)

    def break_down(self) -> None:
        """Leave something where the folder should be that is none."""
        self.root.write_bytes(b"")


@pytest.fixture
def store() -> Any:
    shelf = Shelf(Path(storages["backups"].location))  # type: ignore[attr-defined]
    yield shelf
    if shelf.root.is_file():
        shelf.root.unlink()


@pytest.fixture
def four(store: Shelf) -> Shelf:
    """The four backups of PocketBase's own scenarios."""
    for key in ("test1.zip", "test2.zip", "test3.zip", "@test4.zip"):
        store.put(key)
    return store


@pytest.fixture
def superuser(db: None) -> User:
    return User.objects.create_superuser("root", "root@example.com", PASSWORD)


@pytest.fixture
def user(db: None) -> User:
    return User.objects.create_user("jane", "jane@example.com", PASSWORD)


def outdated(token: AuthToken | FileToken) -> str:
    """Return *token* as if it had been made long ago."""
    token.set_exp(lifetime=timedelta(seconds=-1))
    return str(token)


@pytest.fixture
def tokens(superuser: User, user: User) -> dict[str, str]:
    """Every kind of caller by what is in its hand."""
    root, jane = Account(superuser, SUPERUSERS), Account(user, USERS)
    return {
        "guest": "",
        "bogus": "bogus",
        "user": str(AuthToken(jane)),
        "user file": str(FileToken(jane)),
        "superuser": str(AuthToken(root)),
        "superuser file": str(FileToken(root)),
        "superuser among users": str(AuthToken(Account(superuser, USERS))),
        "expired superuser": outdated(AuthToken(root)),
        "expired superuser file": outdated(FileToken(root)),
    }


@pytest.fixture
def api(tokens: dict[str, str], settings: Any) -> Api:
    # Or each client would look for all static files anew.
    settings.WHITENOISE_USE_FINDERS = False
    return Api(tokens)


@pytest.fixture
def busy(db: None) -> Callable[..., Operation]:
    """Let an operation on the given key hold the lease until the test ends."""

    def start(key: str = "running.zip") -> Operation:
        operation = Operation.objects.create(
            token=uuid.uuid4(), kind="create", key=key, started=timezone.now()
        )
        assert lease.acquire(operation.token)
        return operation

    return start
