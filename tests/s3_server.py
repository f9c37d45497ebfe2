"""An S3 server in this process: moto behind a real socket, which can misbehave."""

import threading
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs

from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

REFUSAL = """<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>{code}</Code><Message>{message}</Message></Error>"""


class Request(NamedTuple):
    """One request that arrived."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    size: int
    """Of the body, in bytes."""


Answer = tuple[str, bytes]
"""A status line and a body."""

Fault = Callable[[Request], Answer | None]


def refusal(status: str, code: str, message: str = "No.") -> Answer:
    return status, REFUSAL.format(code=code, message=message).encode()


class S3Server:
    """Keeps what arrived in ``requests``, and counts the bytes of what was read.

    ``before`` may answer in place of moto; ``after`` may answer once moto has
    done what it was asked.
    """

    def __init__(self) -> None:
        moto = DomainDispatcherApplication(create_backend_app)
        self._moto: Any = moto
        self._server = make_server(
            "127.0.0.1", 0, self._serve, threaded=True, request_handler=Quiet
        )
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        self.reset()

    def reset(self) -> None:
        self.requests: list[Request] = []
        self.bytes_read = 0
        self.break_off: list[int] = []
        """After how many bytes each of the next ranges breaks off."""
        self.before: Fault = lambda request: None
        self.after: Fault = lambda request: None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def named(self, method: str, mark: str = "") -> list[Request]:
        """Return the requests of that method with *mark* in their query."""
        return [
            request
            for request in self.requests
            if request.method == method and (not mark or mark in request.query)
        ]

    def place(self, bucket: str, key: str) -> None:
        """Store an empty object without the time that a request takes."""
        s3_backends[DEFAULT_ACCOUNT_ID]["global"].put_object(bucket, key, b"")

    def _serve(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        request = Request(
            environ["REQUEST_METHOD"],
            environ["PATH_INFO"],
            parse_qs(environ["QUERY_STRING"], keep_blank_values=True),
            {
                name[5:].replace("_", "-").lower(): value
                for name, value in environ.items()
                if name.startswith("HTTP_")
            },
            int(environ.get("CONTENT_LENGTH") or 0),
        )
        self.requests.append(request)
        if (answer := self.before(request)) is not None:
            environ["wsgi.input"].read(request.size)
        else:
            answer = self._ask_moto(environ, start, request)
        if isinstance(answer, tuple):
            status, body = answer
            start(status, [("Content-Length", str(len(body)))])
            return [body]
        return answer

    def _ask_moto(self, environ: Any, start: Any, request: Request) -> Any:
        begun: list[Any] = []
        chunks = list(self._moto(environ, lambda *given: begun.append(given)))
        if (answer := self.after(request)) is not None:
            return answer
        if request.method == "GET" and "range" in request.headers:
            self.bytes_read += sum(map(len, chunks))
        start(*begun[0])
        if request.method == "GET" and self.break_off:
            return break_after(self.break_off, b"".join(chunks))
        return chunks


def break_after(counts: list[int], body: bytes) -> Iterable[bytes]:
    if len(body) <= counts[0]:
        yield body
        return
    yield body[: counts.pop(0)]
    raise ConnectionAbortedError


class Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *arguments: Any) -> None:
        pass
