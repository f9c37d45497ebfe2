"""JSON the way PocketBase writes it, whatever a client says it accepts."""

import json
from typing import Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer

# What Go escapes, so that JSON inside HTML is harmless.
ESCAPES = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}


class JSONRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Any = None,
    ) -> bytes:
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        return f"{text.translate(ESCAPES)}\n".encode("utf-8", "surrogatepass")


class OnlyJSON(BaseContentNegotiation):
    """Ignore ``Accept`` and ``Content-Type``: there is one form each way."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(
        self, request: Any, renderers: Any, format_suffix: str | None = None
    ) -> Any:
        return renderers[0], renderers[0].media_type
