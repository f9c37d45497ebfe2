"""GET and POST /api/crons (CONTRACT §4.5)."""

import pytest

from .wire import BUSY, EMPTY, NO_TOKEN, NOT_SUPERUSER, answer, error

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")

URL = "/api/crons"
JOB = "__pbAutoBackup__"
MISSING = "Missing or invalid cron job."


@pytest.fixture
def scheduled(api):
    assert (
        api.patch("/api/settings", {"backups": {"cron": "0 3 * * *"}}).status_code
        == 200
    )


@pytest.mark.parametrize(
    ("caller", "status", "message"),
    [("guest", 401, NO_TOKEN), ("user", 403, NOT_SUPERUSER)],
)
def test_they_are_for_superusers_only(api, caller, status, message):
    assert answer(api.get(URL, caller=caller)) == error(status, message)
    run = api.post(f"{URL}/{JOB}", caller=caller)
    assert answer(run) == error(status, message)


def test_without_a_schedule_there_is_none(api):
    assert answer(api.get(URL)) == (200, [])
    assert answer(api.post(f"{URL}/{JOB}")) == error(404, MISSING)


def test_a_schedule_is_one(api, scheduled):
    assert answer(api.get(URL)) == (200, [{"id": JOB, "expression": "0 3 * * *"}])


def test_running_it_makes_an_automatic_backup(api, scheduled, media):
    assert answer(api.post(f"{URL}/{JOB}")) == EMPTY
    (item,) = api.get("/api/backups").json()
    assert item["key"].startswith("@auto_pb_backup_test_site_20")


def test_another_job_is_missing(api, scheduled):
    assert answer(api.post(f"{URL}/other")) == error(404, MISSING)


def test_it_waits_for_nobody(api, scheduled, busy):
    busy()
    assert answer(api.post(f"{URL}/{JOB}")) == error(400, BUSY)
