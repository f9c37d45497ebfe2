"""Take in an archive from outside, judged by its content, not by its name."""

from collections.abc import Iterable
from typing import Self

from backups.exceptions import BackupError, InvalidArchive, InvalidName
from backups.models import Operation
from backups.names import is_safe_key
from backups.sniff import SNIFFED_BYTES, is_plain_zip
from backups.store import Incoming, get_store
from backups.texts import gettext_noop as _

from . import history
from .read import count_contents, find_backup, read_manifest


class Upload:
    """A file on its way in; leaving it as a context discards it unpublished.

    It is judged by its first bytes. Of one that is refused the rest is thrown
    away as it comes, and ``publish`` says why: a client that has not sent all
    of its request does not listen yet.
    """

    def __init__(self, key: str, *, actor: str) -> None:
        self.key = key
        self.actor = actor
        self._head = b""
        self._incoming: Incoming | None = None
        self._refusal: Exception | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.discard()

    def write(self, chunk: bytes) -> None:
        """Take the next bytes; never fails."""
        if self._refusal:
            return
        try:
            if self._incoming:
                self._incoming.write(chunk)
                return
            self._head += chunk
            if len(self._head) >= SNIFFED_BYTES:
                self._begin()
        except (BackupError, OSError) as error:
            self._refusal = error
            self.discard()

    def publish(self) -> None:
        """Store what was received.

        Raises InvalidArchive if it is no plain zip, InvalidName, NameTaken,
        StoreFailed or OSError, in that order.
        """
        if self._refusal:
            raise self._refusal
        incoming = self._incoming or self._begin()
        incoming.publish()
        contents = look_inside(self.key)
        history.record(Operation.Kind.UPLOAD, self.key, self.actor, contents=contents)

    def discard(self) -> None:
        """Remove what is not published; safe to call again."""
        if self._incoming:
            self._incoming.discard()

    def _begin(self) -> Incoming:
        """Judge the first bytes, then open a place for all of them."""
        if not is_plain_zip(self._head[:SNIFFED_BYTES]):
            raise InvalidArchive(_("The file is not a zip archive."))
        if not is_safe_key(self.key) or "/" in self.key:
            raise InvalidName(
                _(
                    "“%(key)s” can't be the name of a backup: at most 255 bytes, no"
                    " slash, no control character."
                ),
                key=self.key,
            )
        store = get_store()
        store.require_free(self.key)
        self._incoming = store.receive(self.key)
        self._incoming.write(self._head)
        return self._incoming


def look_inside(key: str) -> dict[str, int]:
    """Return what the archive says that it holds; {} if it is none of ours."""
    try:
        return count_contents(read_manifest(find_backup(key)))
    except (BackupError, OSError):
        return {}  # What it lacks is for whoever verifies or restores it.


def upload_backup(chunks: Iterable[bytes], key: str, *, actor: str) -> None:
    """Store *chunks* under *key*; raises what ``Upload.publish`` raises."""
    with Upload(key, actor=actor) as upload:
        for chunk in chunks:
            upload.write(chunk)
        upload.publish()
