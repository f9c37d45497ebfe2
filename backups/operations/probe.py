"""Find out whether the store in use does all that is asked of a store."""

import contextlib
from collections.abc import Iterator

from django.utils.crypto import get_random_string

from backups.exceptions import BackupError, StoreFailed
from backups.store import Store, get_store
from backups.texts import gettext_noop as _

CONTENT = b"test"


def probe_store() -> None:
    """Store, read, list and delete a tiny file, which never stays.

    Raises Misconfigured, or StoreFailed that says which step failed and why.
    """
    store = get_store()
    key = f"pb_settings_test_{get_random_string(5)}/test.txt"
    try:
        with (
            step(_("failed to upload a test file: %(why)s")),
            store.receive(key) as incoming,
        ):
            incoming.write(CONTENT)
            incoming.publish()
        with (
            step(_("failed to read a test file: %(why)s")),
            store.open(store.require(key)) as file,
        ):
            if file.read() != CONTENT:
                raise StoreFailed(_("it holds something else."))
        with step(_("failed to list a test file: %(why)s")):
            if key not in {item.key for item in store.list()}:
                raise StoreFailed(_("it is not there."))
        with step(_("failed to delete a test file: %(why)s")):
            store.delete(key)
            if store.find(key):
                raise StoreFailed(_("it is still there."))
    finally:
        clean_up(store, key)


@contextlib.contextmanager
def step(failure: str) -> Iterator[None]:
    """Say in the words of PocketBase at which step it failed."""
    try:
        yield
    except BackupError as error:
        raise StoreFailed(failure, why=error.text) from error
    except OSError as error:
        words = error.strerror or type(error).__name__
        raise StoreFailed(failure, why=f"{words}.") from error


def clean_up(store: Store, key: str) -> None:
    with contextlib.suppress(BackupError, OSError):  # There is a better reason.
        if store.find(key):
            store.delete(key)
    if root := store.place():
        with contextlib.suppress(OSError):
            (root / key).parent.rmdir()
