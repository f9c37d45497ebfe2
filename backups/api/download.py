"""A stored file as a response: whole, in ranges, or not modified."""

from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import IO, Any

from asgiref.sync import sync_to_async
from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.utils.cache import get_conditional_response
from django.utils.http import (
    content_disposition_header,
    http_date,
    parse_http_date_safe,
)

from backups.store import Stored

from .base import empty, leave_uncompressed
from .ranges import (
    RangeError,
    Slice,
    UnsatisfiableRange,
    content_range,
    multipart_ranges,
    parse_range,
)

BLOCK_SIZE = 1 << 20
CONTENT_SECURITY = (
    "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; sandbox"
)


def send_file(
    request: HttpRequest, stored: Stored, file: IO[bytes]
) -> HttpResponseBase:
    """Return the answer to GET or HEAD; it closes *file*.

    Conditional and ranged requests follow RFC 9110, sections 13 and 14.
    """
    leave_uncompressed(request)
    etag = f'"{stored.modified.timestamp():.6f}-{stored.size:x}"'
    modified = int(stored.modified.timestamp())
    unmet = get_conditional_response(request, etag, modified)
    response: Any
    if unmet is None:
        response = choose_ranges(request, stored, file, etag)
    else:
        file.close()
        response = empty(unmet.status_code)
    if request.method == "HEAD" or not response.streaming:
        file.close()
    if request.method == "HEAD" and response.streaming:
        response = without_body(response)
    if response.status_code != 416:
        response["Accept-Ranges"] = "bytes"
        response["Last-Modified"] = http_date(modified)
        response["ETag"] = etag
    if response.streaming and hasattr(request, "scope"):
        # Under ASGI Django would read all of it into memory first.
        response.streaming_content = read_aside(response.streaming_content)
    response["Cache-Control"] = "private, no-store"
    response["Content-Security-Policy"] = CONTENT_SECURITY
    return response


async def read_aside(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the *parts*, each read in a thread once the last one was taken."""
    read = sync_to_async(partial(next, parts, b""), thread_sensitive=False)
    while part := await read():
        yield part


def choose_ranges(
    request: HttpRequest, stored: Stored, file: IO[bytes], etag: str
) -> HttpResponseBase:
    header = request.headers.get("Range", "")
    if not header or not range_applies(request, stored, etag):
        return whole(stored, file)
    try:
        ranges = parse_range(header, stored.size)
    except RangeError as error:
        return unsatisfiable(stored, error)
    if not ranges:
        return whole(stored, file)
    if len(ranges) == 1:
        return one_range(stored, file, *ranges[0])
    return several_ranges(stored, file, ranges)


def range_applies(request: HttpRequest, stored: Stored, etag: str) -> bool:
    """Whether ``If-Range`` names the file as it is now, or is absent."""
    condition = request.headers.get("If-Range", "")
    if not condition or condition == etag:
        return True
    return parse_http_date_safe(condition) == int(stored.modified.timestamp())


def whole(stored: Stored, file: IO[bytes]) -> HttpResponseBase:
    """The file object itself goes to the server, which may use sendfile."""
    response = FileResponse(file, content_type="application/zip")
    response.block_size = BLOCK_SIZE
    response["Content-Length"] = str(stored.size)
    return with_name(response, stored)


def one_range(
    stored: Stored, file: IO[bytes], start: int, length: int
) -> HttpResponseBase:
    response = FileResponse(
        Slice(file, start, length), status=206, content_type="application/zip"
    )
    response.block_size = BLOCK_SIZE
    response["Content-Length"] = str(length)
    response["Content-Range"] = content_range(start, length, stored.size)
    return with_name(response, stored)


def several_ranges(
    stored: Stored, file: IO[bytes], ranges: list[tuple[int, int]]
) -> HttpResponseBase:
    body, length, boundary = multipart_ranges(
        file, ranges, stored.size, "application/zip"
    )
    response = StreamingHttpResponse(
        body, status=206, content_type=f"multipart/byteranges; boundary={boundary}"
    )
    response["Content-Length"] = str(length)
    return with_name(response, stored)


def unsatisfiable(stored: Stored, error: RangeError) -> HttpResponseBase:
    response = HttpResponse(
        f"{error}\n", status=416, content_type="text/plain; charset=utf-8"
    )
    if isinstance(error, UnsatisfiableRange):
        response["Content-Range"] = f"bytes */{stored.size}"
    return response


def with_name(response: HttpResponseBase, stored: Stored) -> HttpResponseBase:
    name = stored.key.rpartition("/")[2]
    response["Content-Disposition"] = content_disposition_header(True, name) or ""
    return response


def without_body(response: HttpResponseBase) -> HttpResponseBase:
    """Return the headers alone: servers differ in whether they drop a body."""
    # Its close() would tell Django that the request is over; its file is closed.
    return HttpResponse(status=response.status_code, headers=dict(response.items()))
