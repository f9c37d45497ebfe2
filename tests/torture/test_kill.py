"""Whatever is killed, at whatever call: the site is wholly old or wholly new.

TORTURE_POINTS says at how many points each verb dies in each journal mode, the
short ones at fewer; 0 means at every single call that changes the site.
"""

import os
import signal
import time
from collections.abc import Iterator
from functools import partial

import pytest

from tests.live.crash import Call
from tests.live.server import wait_until

from .calls import choose
from .conftest import MakeTable
from .places import LightLoad
from .results import Table
from .trials import Attempt, try_everywhere
from .verbs import VERBS, Restore, Verb

pytestmark = pytest.mark.live

POINTS = int(os.environ.get("TORTURE_POINTS", "2"))


@pytest.fixture(scope="module")
def table(strace: None, make_table: MakeTable) -> Table:
    return make_table("kill-matrix", "SIGKILL before a call that changes the site")


@pytest.mark.parametrize("verb", VERBS)
def test_a_killed_command_leaves_the_old_site_or_the_new_one(sites, table, verb):
    try_everywhere(sites, verb, table, kills)


def kills(verb: Verb, calls: list[Call]) -> Iterator[Attempt]:
    for call in choose(calls, POINTS):
        what = f"{call.name} {call.nth} {call.text[:200]}"
        yield what, partial(kill_once, verb, call)


def kill_once(verb: Verb, call: Call) -> list[str]:
    """Kill at that call, under load; return the columns that count it."""
    patient = verb.patient
    verb.prepare()
    with LightLoad(patient) as load:
        wait_until(load.added, "something is written before it begins")
        begun = time.monotonic()
        status = patient.launcher.kill_at(call, *verb.arguments)
        assert status in (0, -signal.SIGKILL), f"status {status}"
        # Nobody helps: one of the requests that arrive opens the site.
        wait_until(patient.is_open, "the site is open")
        opened = time.monotonic()
    load.require_answers()
    patient.require_settled()
    is_new = verb.judge()
    require_rows(load, verb, is_new=is_new, begun=begun, opened=opened)
    patient.require_next()
    return ["killed" if status else "ended before", "new" if is_new else "old"]


def require_rows(
    load: LightLoad, verb: Verb, *, is_new: bool, begun: float, opened: float
) -> None:
    """Assert that no row of the load is lost, and that none is from before."""
    there = verb.patient.written()
    replaced = is_new and isinstance(verb, Restore)
    for title, (sent, answered) in load.added().items():
        if not replaced or sent > opened:
            assert title in there, f"{title} is lost"
        elif answered < begun:
            assert title not in there, f"{title} outlived the restore"
