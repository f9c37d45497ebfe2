"""Receiving an archive into S3, invisible until it is whole."""

import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from backups.exceptions import NameTaken, StoreFailed
from backups.texts import gettext_noop as _

from .base import Incoming, Store
from .s3_bucket import Bucket, code_of, s3_errors
from .s3_notes import Note, abort

IN_FLIGHT = 3
SMALL_PART = 8 << 20
LARGE_PART = 72 << 20
SMALL_PARTS = 5_000
"""Of 10,000 parts that an upload may have; all together 419 GB.

Parts of one size for as long as possible: some servers (R2) take no others.
"""

CANT_STORE = _("The backup can't be stored")
MARK = "backups-writer"
"""The metadata by which a writer knows its own object."""


def part_size(number: int) -> int:
    """Return the size of the part of that *number*, from 1."""
    return SMALL_PART if number <= SMALL_PARTS else LARGE_PART


class S3Incoming(Incoming):
    """Received into the parts of a multipart upload; three are on their way at most.

    An archive that fits into one part is sent as a whole when it is published.
    """

    def __init__(self, key: str, bucket: Bucket, store: Store) -> None:
        super().__init__(key)
        self._bucket = bucket
        self._store = store
        self._mark = {MARK: uuid.uuid4().hex}
        self._buffer = bytearray()
        self._parts: list[Future[str]] = []
        self._pool = ThreadPoolExecutor(IN_FLIGHT, "s3-part")
        self._note: Note | None = None
        self._upload_id = ""

    def write(self, data: bytes | bytearray | memoryview) -> int:
        view = memoryview(data)
        done = 0
        while done < len(view):
            size = part_size(len(self._parts) + 1)
            piece = view[done : done + size - len(self._buffer)]
            self._buffer += piece
            done += len(piece)
            if len(self._buffer) == size:
                self._send()
        return done

    def publish(self) -> None:
        if self._parts and self._buffer:
            self._send()
        parts = [
            {"PartNumber": number, "ETag": part.result()}
            for number, part in enumerate(self._parts, 1)
        ]
        self._store.require_free(self.key)
        with s3_errors(CANT_STORE):
            if parts:
                self._finish(
                    self._bucket.client.complete_multipart_upload,
                    UploadId=self._upload_id,
                    MultipartUpload={"Parts": parts},
                )
            else:
                self._finish(
                    self._bucket.client.put_object,
                    Body=bytes(self._buffer),
                    **self._bucket.parameters(self.key, self._mark),
                )
        if self._note:
            self._note.remove()
            self._note = None

    def discard(self) -> None:
        self._buffer = bytearray()
        # A part that arrived after the abort would stay.
        self._pool.shutdown(cancel_futures=True)
        note, self._note = self._note, None
        if note is None:
            return
        if not self._upload_id:
            note.leave()
            return
        try:
            abort(self._bucket, self._bucket.object(self.key), self._upload_id)
        except StoreFailed:  # The next sweep tries again, and tells.
            note.leave()
        else:
            note.remove()

    def _send(self) -> None:
        """Begin to send what is buffered as the next part."""
        if not self._parts:
            self._begin()
        number = len(self._parts) + 1
        # Large parts go one by one, so that memory stays small.
        most = IN_FLIGHT if part_size(number) == SMALL_PART else 1
        if len(self._parts) >= most:
            self._parts[-most].result()
        body, self._buffer = self._buffer, bytearray()
        self._parts.append(self._pool.submit(self._send_part, number, body))

    def _begin(self) -> None:
        note = Note(self._bucket, self.key)
        self._note = note
        with s3_errors(CANT_STORE):
            try:
                answer = self._bucket.client.create_multipart_upload(
                    **self._bucket.object(self.key),
                    **self._bucket.parameters(self.key, self._mark),
                )
            except ClientError:  # A clear no: there is no upload.
                self._note = None
                note.remove()
                raise
        self._upload_id = answer["UploadId"]
        note.name(self._upload_id)

    def _send_part(self, number: int, body: bytearray) -> str:
        with s3_errors(CANT_STORE):
            answer = self._bucket.client.upload_part(
                **self._bucket.object(self.key),
                UploadId=self._upload_id,
                PartNumber=number,
                Body=body,
            )
        return answer["ETag"]

    def _finish(self, request: Callable[..., Any], **arguments: Any) -> None:
        """Make the object, unless there is one.

        The answer to a request may get lost, and botocore's repetition is
        refused because of the first: so who is refused looks whose object it is.
        """
        try:
            if_free(request, **self._bucket.object(self.key), **arguments)
        except Exception as error:
            if self._is_stored():
                return
            if code_of(error) == "PreconditionFailed":
                raise NameTaken(self.key) from error
            raise

    def _is_stored(self) -> bool:
        """Whether what is stored under the key is this archive."""
        target = self._bucket.object(self.key)
        try:
            with s3_errors(CANT_STORE):
                found = self._bucket.client.head_object(**target)
        except StoreFailed:
            return False
        return found["Metadata"].get(MARK) == self._mark[MARK]


def if_free(request: Callable[..., Any], **arguments: Any) -> None:
    """Make a request that never replaces an object, if the server can do that."""
    try:
        request(**arguments, IfNoneMatch="*")
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if status != 501 and code_of(error) not in (
            "NotImplemented",
            "InvalidArgument",
        ):
            raise
        request(**arguments)
