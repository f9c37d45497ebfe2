"""Request bodies: JSON or a form, read as leniently as PocketBase reads them."""

import json
from typing import Any

from django.http import QueryDict
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from rest_framework.parsers import BaseParser

from .exceptions import UNREADABLE_BODY, ApiError

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
JSON_FIELD = "@jsonPayload"


class BodyParser(BaseParser):
    """Return the fields of a body as a dict; raise 400 for one that has none."""

    media_type = "*/*"

    @staticmethod
    def reads(media_type: str) -> bool:
        """Whether bodies of that type can be read."""
        return media_type.startswith((JSON, FORM, MULTIPART))

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Any = None,
    ) -> dict[str, Any]:
        kind = media_type or ""
        request = parser_context["request"]
        if kind.startswith(JSON):
            return parse_json(stream.read())
        if kind.startswith(FORM):
            form: QueryDict = QueryDict(stream.read(), encoding="utf-8")
        elif kind.startswith(MULTIPART):
            form = parse_multipart(stream, request._request)
        else:
            raise ApiError(400, UNREADABLE_BODY)
        fields = {**request.query_params.dict(), **form.dict()}
        if payload := fields.pop(JSON_FIELD, None):
            fields |= parse_json(str(payload).encode())
        return fields


def parse_json(body: bytes) -> dict[str, Any]:
    """Return the first JSON value of *body* as fields.

    What follows it is ignored, and so is null, as a whole or as a field; keys
    match in any case.
    """
    try:
        text = body.decode("utf-8-sig").lstrip()
        value, _ = json.JSONDecoder().raw_decode(text)
        if "\\u" in text:
            # Half a surrogate pair, which only an escape can be, no database takes.
            whole = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
            value = json.loads(whole)
    except (ValueError, RecursionError) as error:
        raise ApiError(400, UNREADABLE_BODY) from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ApiError(400, UNREADABLE_BODY)
    return {key: field for key, field in value.items() if field is not None}


def parse_multipart(stream: Any, request: Any) -> QueryDict:
    try:
        parser = MultiPartParser(request.META, stream, request.upload_handlers)
        return parser.parse()[0]
    except MultiPartParserError as error:
        raise ApiError(400, UNREADABLE_BODY) from error


def text_field(data: Any, name: str) -> str:
    """Return a text of the parsed body; "" if it is absent, 400 if it is no text."""
    lowered = {str(key).lower(): value for key, value in data.items()}
    value = data.get(name, lowered.get(name.lower(), ""))
    if not isinstance(value, str):
        raise ApiError(400, UNREADABLE_BODY)
    return value
