"""When automatic backups start: a light timer in each process that serves.

All of them look at the schedule once a minute, and the one whose conditional
UPDATE moves the schedule on starts the backup. So each slot is run once over
any number of workers and hosts, and one that was missed is caught up, once.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from django.db import Error as DatabaseError
from django.db import connections

from . import dispatch, gate, operations
from .conf import get_settings
from .exceptions import BackupError, OperationInProgress
from .site_settings import Stored, claim_slot, current_minute

logger = logging.getLogger(__name__)

ACTOR = "schedule"
MINUTE = 60
FAR = 60
"""Minutes that the schedule may be ahead of the clock, which may be set back."""

timer_of: int | None = None
"""The process that has its timer: threads do not come along in a fork."""


def start_backup(*, actor: str = ACTOR) -> operations.Claim:
    """Start an automatic backup now, apart from this process.

    Raises OperationInProgress, or another BackupError that the history holds.
    """
    claim = operations.claim_automatic(actor=actor)
    dispatch.run(claim)
    return claim


def run_backup() -> None:
    """Make an automatic backup now, in this process; raises as it may fail."""
    operations.create_backup(operations.claim_automatic(actor=ACTOR))


def run_due(start: Callable[[], object], minute: int | None = None) -> bool:
    """Call *start* if a slot of the schedule is due; return whether it was.

    *minute* is the present one, counted from 1970. While another operation
    runs, the slot stays due. Raises what *start* raises.
    """
    minute = current_minute() if minute is None else minute
    stored = Stored.load()
    if stored.slot - minute > FAR:
        # The clock was wrong once; or nothing would be due until then.
        claim_slot(stored.slot, minute)
        return False
    if not is_due(stored, minute) or not claim_slot(stored.slot, minute):
        return False
    try:
        start()
    except OperationInProgress:
        logger.info("The automatic backup waits for the operation that runs now.")
        claim_slot(minute, stored.slot)
        return False
    return True


def is_due(stored: Stored, minute: int) -> bool:
    """Whether a slot lies after the last one that was run, up to *minute*."""
    if stored.schedule is None or stored.slot >= minute:
        return False
    last = datetime.fromtimestamp(stored.slot * MINUTE, UTC)
    due = stored.schedule.next_after(last)
    return bool(due) and due[0].timestamp() <= minute * MINUTE


def next_run(stored: Stored) -> datetime | None:
    """Return when the next automatic backup is due, in UTC, or None."""
    return next(iter(next_runs(stored, 1)), None)


def next_runs(stored: Stored, count: int) -> list[datetime]:
    """Return when the next *count* automatic backups are due, in UTC."""
    if stored.schedule is None:
        return []
    return stored.schedule.next_after(datetime.now(UTC), count)


def tick(start: Callable[[], object] = start_backup) -> None:
    """Run what is due, unless the site is just being restored; never raises."""
    place = None
    try:
        if (place := gate.enter()) is None:
            return
        gate.forget_old_data()
        run_due(start)
    except BackupError as error:
        logger.error("The automatic backup failed: %s", error)
    except (DatabaseError, OSError) as error:
        logger.error("The schedule can't be followed: %s", error)
    except Exception:  # Or the timer would end, and with it all later backups.
        logger.exception("The automatic backup failed.")
    finally:
        if place:
            place.leave()
        connections.close_all()


def run_for_ever(
    stop: threading.Event, start: Callable[[], object] = start_backup
) -> None:
    """Tick now, and once a minute when it begins, until *stop* is set."""
    while True:
        tick(start)
        if stop.wait(MINUTE - time.time() % MINUTE):
            return


def start_timer() -> None:
    """Start this process's timer, unless it has one or the site wants none."""
    global timer_of
    if timer_of == os.getpid():
        return  # As before nearly every request, so that nothing else is looked at.
    timer_of = os.getpid()
    if not get_settings().SCHEDULER:
        return
    threading.Thread(
        target=run_for_ever, args=(threading.Event(),), name="backups", daemon=True
    ).start()
