"""Log lines: one operation's are found by its id, and none holds a token."""

import logging
import uuid

import pytest

from backups.logs import HideTokens, log_event

TOKEN = uuid.UUID(int=7)
logger = logging.getLogger("backups.test")


def test_a_line_names_the_operation_the_event_and_the_details(caplog):
    with caplog.at_level(logging.INFO, "backups.test"):
        log_event(logger, TOKEN, "claimed", kind="create", key="a b.zip", actor="")
    (record,) = caplog.records
    assert record.getMessage() == (
        f'operation={TOKEN} event=claimed kind=create key="a b.zip"'
    )
    assert (record.operation, record.event) == (str(TOKEN), "claimed")


def test_a_detail_can_not_forge_a_line_or_another_detail(caplog):
    with caplog.at_level(logging.INFO, "backups.test"):
        log_event(logger, TOKEN, "claimed", key='x\noperation=1 event="y"')
    message = caplog.records[0].getMessage()
    assert "\n" not in message
    assert message.endswith(r'key="x\noperation=1 event=\"y\""')


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("GET /api/backups/a.zip?token=abc.def.g_h HTTP/1.1", "a.zip?token=… HTTP"),
        ("GET /x?a=1&token=abc&b=2", "/x?a=1&token=…&b=2"),
        ("no url here", "no url here"),
    ],
)
def test_tokens_in_urls_are_blanked(message, shown):
    record = logging.LogRecord("x", 20, "f", 1, '"%s" %s', (message, 200), None)
    assert HideTokens().filter(record)
    assert shown in record.getMessage()
    assert "abc" not in record.getMessage()
