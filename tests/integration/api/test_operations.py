"""GET /api/operations and /api/operations/{id}: the history, over the API."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from backups.models import Operation

from .wire import NO_TOKEN, NOT_FOUND, NOT_SUPERUSER, answer, error

URL = "/api/operations"
UNKNOWN = uuid.UUID(int=1)
STARTED = datetime(2026, 11, 23, 18, 25, 47, 460_999, UTC)


def record(**fields):
    values = {"token": uuid.uuid4(), "kind": "create", "started": STARTED, **fields}
    return Operation.objects.create(**values)


@pytest.mark.parametrize("path", [URL, f"{URL}/{UNKNOWN}"])
@pytest.mark.parametrize(
    ("caller", "status", "message"),
    [("guest", 401, NO_TOKEN), ("user", 403, NOT_SUPERUSER)],
)
def test_they_are_for_superusers_only(api, path, caller, status, message):
    assert answer(api.get(path, caller=caller)) == error(status, message)


def test_there_is_none_at_first(api):
    assert answer(api.get(URL)) == (200, [])


def test_the_newest_comes_first(api):
    for hour in range(3):
        record(key=f"{hour}.zip", started=STARTED + timedelta(hours=hour))
    keys = [item["key"] for item in api.get(URL).json()]
    assert keys == ["2.zip", "1.zip", "0.zip"]


def test_the_list_ends_after_a_hundred(api):
    Operation.objects.bulk_create(
        Operation(token=uuid.uuid4(), kind="create", started=STARTED)
        for _ in range(101)
    )
    assert len(api.get(URL).json()) == 100


def test_one_says_all_that_is_known(api):
    operation = record(
        key="test.zip",
        state="failed",
        bytes_done=5,
        bytes_total=7,
        finished=STARTED + timedelta(seconds=1),
        actor="root",
        error="The disk is full.",
        notes=["Left out: a"],
    )
    expected = {
        "id": str(operation.token),
        "kind": "create",
        "key": "test.zip",
        "state": "failed",
        "phase": "",
        "bytesDone": 5,
        "bytesTotal": 7,
        "started": "2026-11-23 18:25:47.460Z",
        "finished": "2026-11-23 18:25:48.460Z",
        "actor": "root",
        "error": "The disk is full.",
        "notes": ["Left out: a"],
        "safetyKey": "",
    }
    assert answer(api.get(f"{URL}/{operation.token}")) == (200, expected)
    assert answer(api.get(URL)) == (200, [expected])


def test_a_running_one_has_no_end(api, busy):
    item = api.get(f"{URL}/{busy('test.zip').token}").json()
    assert (item["state"], item["finished"]) == ("running", "")


@pytest.mark.parametrize("token", [UNKNOWN, "x", "x%2Fx", "%00", "x" * 500])
def test_an_unknown_one_is_not_found(api, token):
    assert answer(api.get(f"{URL}/{token}")) == error(404, NOT_FOUND)


def test_fields_cut_them_down(api):
    record(key="test.zip")
    assert answer(api.get(f"{URL}?fields=key")) == (200, [{"key": "test.zip"}])


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_can_be_changed(api, method):
    operation = record()
    for path in (URL, f"{URL}/{operation.token}"):
        assert answer(api(method, path)) == error(404, NOT_FOUND)
