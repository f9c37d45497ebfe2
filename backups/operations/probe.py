"""Find out whether the store in use does all that is asked of a store."""

import contextlib
from collections.abc import Iterator

from django.utils.crypto import get_random_string

from backups.exceptions import BackupError, StoreFailed
from backups.store import Store, get_store

CONTENT = b"test"


def probe_store() -> None:
    """Store, read, list and delete a tiny file, which never stays.

    Raises Misconfigured, or StoreFailed that says which step failed and why.
    """
    store = get_store()
    key = f"pb_settings_test_{get_random_string(5)}/test.txt"
    try:
        with step("upload"), store.receive(key) as incoming:
            incoming.write(CONTENT)
            incoming.publish()
        with step("read"), store.open(key) as file:
            if file.read() != CONTENT:
                raise StoreFailed("it holds something else.")
        with step("list"):
            if key not in {item.key for item in store.list()}:
                raise StoreFailed("it is not there.")
        with step("delete"):
            store.delete(key)
            if store.find(key):
                raise StoreFailed("it is still there.")
    finally:
        clean_up(store, key)


@contextlib.contextmanager
def step(verb: str) -> Iterator[None]:
    """Say in the words of PocketBase at which step it failed."""
    try:
        yield
    except BackupError as error:
        raise StoreFailed(f"failed to {verb} a test file: {error}") from error
    except OSError as error:
        raise StoreFailed(
            f"failed to {verb} a test file: {error.strerror or type(error).__name__}."
        ) from error


def clean_up(store: Store, key: str) -> None:
    with contextlib.suppress(BackupError, OSError):  # There is a better reason.
        if store.find(key):
            store.delete(key)
    if root := store.place():
        with contextlib.suppress(OSError):
            (root / key).parent.rmdir()
