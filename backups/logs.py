"""Log lines that can be followed: each names its operation and what happened.

The text is ``operation=<id> event=<what> key="…"``, so one grep finds all lines
of an operation in the logs of every process, and the record has the same as
attributes (``operation``, ``event``), for formatters that write JSON.
"""

import json
import logging
import re
import uuid

TOKEN_IN_URL = re.compile(r"([?&]token=)[^&\s\"']+")


def log_event(
    logger: logging.Logger,
    token: uuid.UUID,
    event: str,
    *,
    level: int = logging.INFO,
    exception: BaseException | None = None,
    **details: object,
) -> None:
    """Log that *event* happened to the operation *token*.

    *details* may be read by anybody who reads logs: no secrets. Empty ones are
    left out. An *exception* is
    logged with its traceback.
    """
    shown = "".join(
        f" {name}={_quote(value)}" for name, value in details.items() if value != ""
    )
    logger.log(
        level,
        "operation=%s event=%s%s",
        token,
        event,
        shown,
        exc_info=exception,
        extra={"operation": str(token), "event": event},
    )


def _quote(value: object) -> str:
    text = str(value)
    is_plain = text.isascii() and text.isprintable() and not set(text) & set(' "=')
    return text if text and is_plain else json.dumps(text, ensure_ascii=False)


class HideTokens(logging.Filter):
    """Blank the ``?token=`` of download links in lines that quote a URL."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if "token=" in message:
            record.msg = TOKEN_IN_URL.sub(r"\1…", message)
            record.args = None
        return True
