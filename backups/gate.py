"""The gate that requests pass and a committing restore closes, and its generation.

A request holds a shared lock on one file for as long as it may touch the data;
a restore first shows its journal, which turns new requests away, then takes the
lock for itself. Locks die with their processes, so none is ever left behind.
"""

import contextlib
import fcntl
import os
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from django.db import connections

from backups.texts import gettext_noop as _

from . import journal, workspace
from .durability import write_durably
from .exceptions import OperationFailed
from .restart import reload_server
from .signals import site_restored

seen = threading.local()
"""The generation that this thread's connections belong to."""

clearing = threading.Lock()
process_generation: object = None
"""The generation that this process's caches belong to."""


class Pass:
    """A place inside the gate; leaving twice is harmless."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def leave(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def enter() -> Pass | None:
    """Pass the gate, or return None while a restore is being committed."""
    descriptor = _open()
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    if journal.exists():
        os.close(descriptor)
        return None
    return Pass(descriptor)


@contextlib.contextmanager
def closed(timeout: float) -> Iterator[None]:
    """Hold the gate alone, once everybody inside has left.

    The journal must exist, or requests keep coming in. Raises OperationFailed
    after *timeout* seconds.
    """
    descriptor = _open()
    try:
        _wait_exclusive(descriptor, timeout)
        yield
    finally:
        os.close(descriptor)


def _wait_exclusive(descriptor: int, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise OperationFailed(
                    _(
                        "Requests were still running after %(timeout)s seconds, so"
                        " nothing was changed. Try again, or raise DRAIN_TIMEOUT."
                    ),
                    timeout=f"{timeout:g}",
                ) from None
            time.sleep(0.01)
        else:
            return


def _open() -> int:
    return os.open(workspace.root() / "gate.lock", os.O_RDWR | os.O_CREAT, 0o600)


def _generation_file() -> Path:
    return workspace.root() / "generation"


def generation() -> object:
    """Return a value that changes each time that a restore replaces the data."""
    try:
        status = _generation_file().stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns


def bump_generation() -> None:
    """Tell every process of the site that the data was replaced."""
    write_durably(_generation_file(), uuid.uuid4().hex.encode())


def mark_seen() -> None:
    """Note at start-up that this process knows no older data than the present."""
    global process_generation
    process_generation = seen.generation = generation()


def forget_old_data() -> None:
    """Drop connections and caches that belong to the data before a restore.

    Call it inside the gate. The first call of a process that finds out also
    asks the server for new workers.
    """
    global process_generation
    current = generation()
    if getattr(seen, "generation", process_generation) != current:
        connections.close_all()
    seen.generation = current
    with clearing:  # No thread goes on before what is old is gone.
        if process_generation == current:
            return
        clear_process_caches()
        process_generation = current
    reload_server(workspace.root() / "reloads", current)


def clear_process_caches() -> None:
    """Empty what Django and the site keep in the memory of this process."""
    for label in ("contenttypes.ContentType", "sites.Site"):
        with contextlib.suppress(LookupError):  # Not installed.
            apps.get_model(label)._default_manager.clear_cache()
    for alias in settings.CACHES:
        if isinstance(caches[alias], LocMemCache):
            caches[alias].clear()
    site_restored.send_robust(sender=None)
