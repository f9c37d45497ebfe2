"""Take in an archive from outside, judged by its content, not by its name."""

import os
from collections.abc import Iterable

from backups.exceptions import InvalidArchive, InvalidName
from backups.names import is_safe_key
from backups.sniff import SNIFFED_BYTES, is_plain_zip
from backups.store import Incoming, get_store


def receive_upload() -> Incoming:
    """Open a place to write an upload to; leaving it unpublished discards it."""
    return get_store().receive()


def publish_upload(incoming: Incoming, key: str) -> None:
    """Store what was received under *key*.

    Raises InvalidArchive if it is no plain zip, InvalidName, NameTaken or
    StoreFailed, in that order.
    """
    if not is_plain_zip(os.pread(incoming.file.fileno(), SNIFFED_BYTES, 0)):
        raise InvalidArchive("The file is not a zip archive.")
    if not is_safe_key(key) or "/" in key:
        raise InvalidName(f"“{key}” can't be the name of a backup.")
    get_store().require_free(key)
    incoming.publish(key)


def upload_backup(chunks: Iterable[bytes], key: str) -> None:
    """Store *chunks* under *key*; raises what ``publish_upload`` raises."""
    with receive_upload() as incoming:
        for chunk in chunks:
            incoming.write(chunk)
        publish_upload(incoming, key)
