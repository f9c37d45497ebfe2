"""Sites in the states that the tests of this folder need."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.files.storage import storages

from backups import journal, lease
from backups.journal import Journal, Step
from tests.buckets import bucket, s3_server

__all__ = ["broken_store", "bucket", "busy", "closed_gate", "s3_server"]


@pytest.fixture
def busy(db: None) -> Callable[[], Callable[[], None]]:
    """Let an operation hold the lease, until what this returns is called."""

    def start() -> Callable[[], None]:
        token = uuid.uuid4()
        assert lease.acquire(token)
        return lambda: lease.release(token)

    return start


@pytest.fixture
def broken_store() -> Iterator[None]:
    """Let something lie where the folder of the backups should be."""
    root = Path(storages["backups"].location)  # type: ignore[attr-defined]
    root.write_bytes(b"")
    yield
    root.unlink()


@pytest.fixture
def closed_gate() -> Iterator[None]:
    """Close the site, as the commit of a restore does."""
    Journal(uuid.uuid4(), Step.DRAINING, {}, None).begin()
    yield
    journal.remove()
