"""Reading an object of S3 by ranges, as a file that can seek."""

import io
import os
from typing import IO, Any

from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]

from backups.exceptions import StoreFailed
from backups.texts import gettext_noop as _

from .base import Stored
from .s3_bucket import Bucket, s3_errors

BUFFER = 64 << 10
MOST = 64 << 20
GROWTH = 4
TRIES = 4
SKIP = 64 << 10
"""Bytes up to which reading on is cheaper than another request."""

CANT_READ = _("The backup can't be read")


def open_object(bucket: Bucket, found: Stored) -> IO[bytes]:
    """Return the object as a buffered file; nothing is asked for yet."""
    return io.BufferedReader(S3Reader(bucket, found), BUFFER)


class S3Reader(io.RawIOBase):
    """One object, read from wherever the reader stands.

    The first request asks for *window* bytes, and each that goes on from there
    for more: who jumps about fetches little in vain, and who reads through
    seldom waits. A connection that breaks is taken up where it broke. If the
    object is replaced meanwhile, reading raises StoreFailed.
    """

    def __init__(self, bucket: Bucket, found: Stored, window: int = BUFFER) -> None:
        super().__init__()
        self._bucket = bucket
        self._found = found
        self._first = self._window = window
        self._position = 0
        self._body: Any = None
        self._at = self._end = 0
        """Where the body stands, and where it ends."""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        # Costs nothing: the next read finds out whether it can go on.
        bases = (0, self._position, self._found.size)
        if bases[whence] + offset < 0:
            raise ValueError("There is nothing before the beginning of a file.")
        self._position = bases[whence] + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), self._found.size - self._position)
        if wanted <= 0:
            return 0
        with s3_errors(CANT_READ, self._found.key):
            data = self._read(wanted)
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._drop()
        super().close()

    def _read(self, wanted: int) -> bytes:
        """Return some of the *wanted* bytes, at least one."""
        for tries_left in reversed(range(TRIES)):
            try:
                self._move()
                data = self._body.read(min(wanted, self._end - self._at))
                if data:
                    self._at = self._position = self._at + len(data)
                    return data
            except BotoCoreError:  # The connection broke, not the request.
                if not tries_left:
                    raise
            self._drop()
        raise StoreFailed(_("The backup can't be read (it ends too early)."))

    def _move(self) -> None:
        """Bring the body to where the reader stands, by another request if need be."""
        gap = self._position - self._at
        if self._body is not None and 0 <= gap <= SKIP and self._position < self._end:
            if gap:
                self._at += len(self._body.read(gap))
            if self._at == self._position:
                return
        goes_on = self._body is not None and self._position == self._end
        self._window = min(self._window * GROWTH, MOST) if goes_on else self._first
        self._drop()
        self._ask()

    def _ask(self) -> None:
        end = min(self._position + self._window, self._found.size)
        answer = self._bucket.client.get_object(
            **self._bucket.object(self._found.key),
            Range=f"bytes={self._position}-{end - 1}",
            IfMatch=self._found.mark,
        )
        self._body = answer["Body"]
        self._at, self._end = self._position, end
        status = answer["ResponseMetadata"]["HTTPStatusCode"]
        if self._position and status != 206:
            raise StoreFailed(
                _("The backup can't be read (the server does not know ranges).")
            )

    def _drop(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None
