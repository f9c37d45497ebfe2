"""Receiving an upload: from the socket straight to where archives are kept."""

from typing import Any

from django.core.files.uploadhandler import (
    FileUploadHandler,
    SkipFile,
    StopFutureHandlers,
)
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.utils.http import parse_header_parameters

from backups.store import Incoming

FIELD = "file"
TAIL_BYTES = 4096


class IncomingHandler(FileUploadHandler):
    """Write the first part named ``file`` to *incoming*; skip all others."""

    chunk_size = 1 << 20

    def __init__(self, incoming: Incoming) -> None:
        super().__init__()
        self.incoming = incoming
        self.received: str | None = None
        """The client's name of the file that was received."""

    def new_file(
        self, field_name: str, file_name: str, *args: Any, **kwargs: Any
    ) -> None:
        super().new_file(field_name, file_name, *args, **kwargs)
        if field_name != FIELD or self.received is not None:
            raise SkipFile
        self.received = file_name
        raise StopFutureHandlers

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.incoming.write(raw_data)

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
        data = self.stream.read(size)
        self.tail = (self.tail + data[-TAIL_BYTES:])[-TAIL_BYTES:]
        return data

    def is_closed(self, boundary: str) -> bool:
        """Whether the form came to its end; an epilogue may follow it."""
        return f"--{boundary}--".encode() in self.tail


def receive_multipart(request: Any, incoming: Incoming) -> str | None:
    """Read the body into *incoming*; return the name of the file.

    None if the body is no multipart form, was cut short, or has no such file.
    """
    kind, parameters = parse_header_parameters(request.content_type)
    if not kind.startswith("multipart/form-data"):
        return None
    handler = IncomingHandler(incoming)
    body: Any = Body(request)
    try:
        MultiPartParser(request.META, body, [handler], "utf-8").parse()
    except MultiPartParserError:
        return None
    return handler.received if body.is_closed(parameters["boundary"]) else None
