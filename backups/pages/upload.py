"""An upload from the page: streamed like that of the API, kept only if it is whole."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.utils.http import parse_header_parameters

from backups.api.uploads import Body, UploadHandler
from backups.exceptions import InvalidArchive
from backups.texts import gettext_noop as _


class Receiving:
    """A form that is read when somebody first looks at it."""

    def __init__(self, request: Any, actor: str) -> None:
        self._request = request
        self._handler = UploadHandler(actor)
        self._body = Body(request._stream)
        request._stream = self._body
        request.upload_handlers = [self._handler]

    def publish(self) -> str:
        """Store the file of the form; return its key.

        Raises InvalidArchive for a form without a whole file, and what
        ``Upload.publish`` raises.
        """
        len(self._request.POST)  # Reads it, if the check of CSRF has not.
        upload = self._handler.upload
        parameters = parse_header_parameters(self._request.headers["Content-Type"])[1]
        if upload is None or not self._body.is_closed(parameters.get("boundary", "")):
            raise InvalidArchive(_("The file did not arrive as a whole."))
        upload.publish()
        return upload.key

    def discard(self) -> None:
        if self._handler.upload:
            self._handler.upload.discard()


@contextmanager
def receiving(request: Any, actor: str) -> Iterator[Receiving]:
    """Receive a form, and discard what is not published at the end."""
    received = Receiving(request, actor)
    try:
        yield received
    finally:
        received.discard()
