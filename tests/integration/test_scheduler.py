"""When automatic backups start, and that each slot is run once."""

import calendar
from datetime import UTC, datetime

import pytest
from django.core import mail

from backups import scheduler, site_settings
from backups.exceptions import StoreFailed
from backups.models import Operation
from backups.site_settings import Stored
from tests.engine import keys

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


def minute(text: str) -> int:
    """Return the minute, counted from 1970, of a time on 24 November 2020."""
    moment = datetime.fromisoformat(f"2020-11-24 {text}").replace(tzinfo=UTC)
    return calendar.timegm(moment.utctimetuple()) // 60


@pytest.fixture
def schedule():
    """Set the schedule as if it had been saved at the given time."""

    def save(cron: str, at: str = "10:00", keep: int = 3) -> None:
        site_settings.change({"backups": {"cron": cron, "cronMaxKeep": keep}})
        from backups.models import SiteSettings

        SiteSettings.objects.update(slot=minute(at))

    return save


@pytest.fixture
def runs():
    return []


def due(runs: list[str], at: str) -> bool:
    return scheduler.run_due(lambda: runs.append(at), minute(at))


def test_without_a_schedule_nothing_runs(runs):
    assert not due(runs, "11:00")


def test_a_slot_runs_once_when_its_minute_has_come(schedule, runs):
    schedule("30 * * * *")
    for at in ("10:01", "10:29", "10:30", "10:30", "10:31", "11:29", "11:30"):
        due(runs, at)
    assert runs == ["10:30", "11:30"]


def test_a_schedule_that_was_just_saved_has_missed_nothing(runs):
    site_settings.change({"backups": {"cron": "* * * * *"}})
    assert not scheduler.run_due(lambda: runs.append("now"))
    assert runs == []


def test_saving_other_settings_does_not_move_the_schedule(schedule, runs):
    schedule("30 * * * *")
    site_settings.change({"meta": {"appName": "Other"}, "backups": {"cronMaxKeep": 9}})
    assert due(runs, "10:31")


def test_slots_missed_while_the_site_was_down_are_caught_up_once(schedule, runs):
    schedule("*/5 * * * *")
    for at in ("13:02", "13:03", "13:05"):
        due(runs, at)
    assert runs == ["13:02", "13:05"]


def test_a_clock_that_goes_back_runs_nothing_twice(schedule, runs):
    schedule("* * * * *")
    for at in ("10:05", "10:03", "10:04", "10:05", "10:06"):
        due(runs, at)
    assert runs == ["10:05", "10:06"]


def test_a_slot_waits_for_the_operation_that_runs(schedule, busy, media):
    schedule("0 * * * *", "10:59")
    release = busy()
    assert not scheduler.run_due(scheduler.run_backup, minute("11:00"))
    assert not scheduler.run_due(scheduler.run_backup, minute("11:01"))
    assert keys() == []
    assert not Operation.objects.filter(state="failed").exists()
    release()
    assert scheduler.run_due(scheduler.run_backup, minute("11:02"))
    assert not scheduler.run_due(scheduler.run_backup, minute("11:03"))
    assert len(keys()) == 1


def test_a_run_makes_an_automatic_backup(schedule, media):
    schedule("@hourly", "10:59")
    assert scheduler.run_due(scheduler.start_backup, minute("11:00"))
    (key,) = keys()
    assert key.startswith("@auto_pb_backup_test_site_20")
    made = Operation.objects.get()
    assert (made.actor, made.state) == ("schedule", "succeeded")


def test_a_run_that_can_not_begin_is_in_the_history_and_mailed(
    schedule, media, broken_store, django_user_model
):
    django_user_model.objects.create_superuser("root", "root@example.com", "x")
    schedule("@hourly", "10:59")
    with pytest.raises(StoreFailed):
        scheduler.run_due(scheduler.start_backup, minute("11:00"))
    failed = Operation.objects.get()
    assert (failed.state, failed.kind) == ("failed", "create")
    assert "Not a directory" in failed.error
    (sent,) = mail.outbox
    assert failed.error in sent.body


def test_a_tick_never_raises(schedule, media, broken_store):
    schedule("* * * * *")
    scheduler.tick()
    assert Operation.objects.get().state == "failed"


def test_a_tick_leaves_a_closed_site_alone(schedule, media, closed_gate):
    schedule("* * * * *")
    scheduler.tick()
    assert keys() == []
    assert not Operation.objects.exists()


def test_the_next_run_is_told(schedule):
    assert scheduler.next_run(Stored.load()) is None
    schedule("0 0 1 1 *")
    upcoming = scheduler.next_run(Stored.load())
    assert (upcoming.month, upcoming.day, upcoming.hour) == (1, 1, 0)


def test_a_clock_that_was_far_ahead_for_a_moment_does_not_stop_the_schedule(
    schedule, runs
):
    schedule("0 * * * *", "20:30")
    assert not due(runs, "10:30")
    assert due(runs, "11:00")


def test_a_run_whose_workspace_is_full_is_in_the_history(schedule, media, monkeypatch):
    def fail(token):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("backups.operations.claim.workspace.open_operation", fail)
    schedule("* * * * *")
    scheduler.tick()
    assert (
        Operation.objects.get().error == "The system refused: No space left on device."
    )
