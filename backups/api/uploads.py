"""Receiving an upload: from the socket straight to where archives are kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.files.uploadhandler import (
    FileUploadHandler,
    SkipFile,
    StopFutureHandlers,
)
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.utils.http import parse_header_parameters

from backups.archive import reuse_memory
from backups.operations import Upload

FIELD = "file"
TAIL_BYTES = 4096


class UploadHandler(FileUploadHandler):
    """Write the first part named ``file`` to an upload; skip all others."""

    chunk_size = 256 << 10

    def __init__(self, actor: str) -> None:
        super().__init__()
        # Or the parser's buffers would be mapped anew each time: half of the speed.
        reuse_memory()
        self.actor = actor
        self.upload: Upload | None = None

    def new_file(
        self, field_name: str, file_name: str, *args: Any, **kwargs: Any
    ) -> None:
        super().new_file(field_name, file_name, *args, **kwargs)
        if field_name != FIELD or self.upload:
            raise SkipFile
        self.upload = Upload(file_name, actor=self.actor)
        raise StopFutureHandlers

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        assert self.upload  # noqa: S101  # Made with the first part.
        self.upload.write(raw_data)

    def file_complete(self, file_size: int) -> None:
        """There is no file object to hand on: the bytes are where they belong."""


class Body:
    """A stream that remembers how it ended.

    Django's parser takes the end of the stream for the end of the file, so a
    client that went away would leave a part of its file as a whole one.
    """

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.tail = b""

    def read(self, size: int = -1) -> bytes:
        return self._remember(self.stream.read(size))

    def readline(self, size: int = -1) -> bytes:
        return self._remember(self.stream.readline(size))

    def _remember(self, data: bytes) -> bytes:
        self.tail = (self.tail + data[-TAIL_BYTES:])[-TAIL_BYTES:]
        return data

    def is_closed(self, boundary: str) -> bool:
        """Whether the form came to its end; an epilogue may follow it."""
        return f"--{boundary}--".encode() in self.tail


@contextmanager
def receive_multipart(request: Any) -> Iterator[Upload | None]:
    """Read the body; the value is the upload, which is left unpublished.

    None if the body is no multipart form, was cut short, or has no such file.
    """
    kind, parameters = parse_header_parameters(request.content_type)
    if not kind.startswith("multipart/form-data"):
        yield None
        return
    handler = UploadHandler(request.auth.name)
    body: Any = Body(request)
    try:
        is_whole = parse(request, body, handler) and body.is_closed(
            parameters["boundary"]
        )
        yield handler.upload if is_whole else None
    finally:
        if handler.upload:
            handler.upload.discard()


def parse(request: Any, body: Any, handler: UploadHandler) -> bool:
    """Feed the body to the handler; return whether it is a form."""
    try:
        MultiPartParser(request.META, body, [handler], "utf-8").parse()
    except MultiPartParserError:
        return False
    return True
