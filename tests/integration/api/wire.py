"""What goes over the wire: a client like PocketBase's SDKs, bodies, and envelopes."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from django.test import Client

BUSY = "Try again later - another backup/restore process has already been started."
INVALID_DATA = "An error occurred while validating the submitted data."
UNREADABLE_BODY = "An error occurred while loading the submitted data."
NO_TOKEN = "The request requires valid record authorization token."
NOT_SUPERUSER = "The authorized record is not allowed to perform this action."
NOT_FOUND = "The requested resource wasn't found."

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
COLLECTIONS = "/api/collections"

BOUNDARY = "----boundary7MA4YWxk"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"


class Api:
    """Sends the bare token of a *caller* in the header; see the fixture ``tokens``."""

    def __init__(self, tokens: Mapping[str, str]) -> None:
        self.tokens = tokens
        self.client = Client()

    def __call__(
        self,
        method: str,
        target: str,
        body: Any = b"",
        *,
        caller: str = "superuser",
        content_type: str = JSON,
        headers: Mapping[str, str] | None = None,
        **environ: str,
    ) -> Any:
        """Send one request. A dict is sent as JSON, anything else as it is."""
        sent = dict(headers or {})
        if token := self.tokens[caller]:
            sent.setdefault("Authorization", token)
        if isinstance(body, dict):
            body = json.dumps(body)
        return self.client.generic(
            method,
            f"http://testserver{target}",
            body,
            content_type,
            headers=sent,
            # What gunicorn adds: the target as it was sent.
            RAW_URI=target,
            **environ,
        )

    def get(self, target: str, **options: Any) -> Any:
        return self("GET", target, **options)

    def head(self, target: str, **options: Any) -> Any:
        return self("HEAD", target, **options)

    def post(self, target: str, body: Any = b"", **options: Any) -> Any:
        return self("POST", target, body, **options)

    def patch(self, target: str, body: Any = b"", **options: Any) -> Any:
        return self("PATCH", target, body, **options)

    def delete(self, target: str, **options: Any) -> Any:
        return self("DELETE", target, **options)

    def upload(self, *parts: bytes, **options: Any) -> Any:
        """Upload a form of *parts*, closed as it should be."""
        return self.post(
            "/api/backups/upload", form(*parts), content_type=MULTIPART, **options
        )

    def download(self, segment: str, **options: Any) -> Any:
        """Download with the caller's file token; *segment* is sent as it is."""
        options = {"caller": "guest", **options}
        token = self.tokens["superuser file"]
        return self.get(f"/api/backups/{segment}?token={token}", **options)


def form(*parts: bytes) -> bytes:
    """Return a multipart body."""
    opened = b"".join(b"--%s\r\n%s\r\n" % (BOUNDARY.encode(), one) for one in parts)
    return b"%s--%s--\r\n" % (opened, BOUNDARY.encode())


def part(content: bytes, **parameters: str) -> bytes:
    """Return one part of a form; *parameters* are those of its disposition."""
    named = "".join(f'; {key}="{value}"' for key, value in parameters.items())
    head = f"Content-Disposition: form-data{named}"
    if "filename" in parameters:
        head += "\r\nContent-Type: text/plain"
    return b"%s\r\n\r\n%s" % (head.encode(), content)


def file_part(filename: str, content: bytes) -> bytes:
    return part(content, name="file", filename=filename)


EMPTY = (204, None)


def answer(response: Any) -> tuple[int, Any]:
    """Return the status and what the body holds: None, or parsed JSON, or bytes.

    None stands for nothing at all, not even a header that tells of a body.
    """
    body = response.getvalue()
    if response.get("Content-Type") == JSON:
        return response.status_code, json.loads(body)
    if not body and not {"Content-Type", "Content-Length"} & response.headers.keys():
        return response.status_code, None
    return response.status_code, body


def error(status: int, message: str, **data: Any) -> tuple[int, Any]:
    """Return the ``answer`` that is exactly that envelope."""
    return status, {"data": data, "message": message, "status": status}


def out_of_range(most: int) -> dict[str, Any]:
    return {
        "code": "validation_length_out_of_range",
        "message": f"The length must be between 1 and {most}.",
        "params": {"max": most, "min": 1},
    }


REQUIRED = {"code": "validation_required", "message": "Cannot be blank."}


def claims_of(token: str) -> dict[str, Any]:
    """Return what a token says, whether it is true or not."""
    return json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
