"""Receiving an upload: from the socket straight to where archives are kept."""

from typing import Any

from django.core.files.uploadhandler import (
    FileUploadHandler,
    SkipFile,
    StopFutureHandlers,
)
from django.http.multipartparser import MultiPartParser, MultiPartParserError

from backups.store import Incoming

FIELD = "file"


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


def receive_multipart(request: Any, incoming: Incoming) -> str | None:
    """Read the body into *incoming*; return the name of the file.

    None if the body is no multipart form or has no such file. Raises
    ConnectionError if the client goes away.
    """
    if not request.content_type.startswith("multipart/form-data"):
        return None
    handler = IncomingHandler(incoming)
    try:
        MultiPartParser(request.META, request, [handler], "utf-8").parse()
    except MultiPartParserError:
        return None
    return handler.received
