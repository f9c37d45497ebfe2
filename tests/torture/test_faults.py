"""A call that fails ends the command in words, with the site as it was.

TORTURE_FAULTS says how many calls of each verb fail in each journal mode; 0 means
every one, each with every error.
"""

import os
from collections.abc import Iterator
from functools import partial
from itertools import cycle

import pytest

from tests.live.crash import Call, Ended

from .calls import choose
from .conftest import MakeTable
from .places import Patient
from .results import Table
from .trials import Attempt, record_calls, try_everywhere
from .verbs import Create, Delete, Restore, Upload, Verb

pytestmark = pytest.mark.live

POINTS = int(os.environ.get("TORTURE_FAULTS", "1"))
TAKES_SPACE = (
    *("openat", "mkdir", "link", "rename", "write", "pwrite64", "ftruncate"),
    *("fallocate", "fsync", "fdatasync"),
)
ERRORS = ("ENOSPC", "EIO", "EDQUOT")


@pytest.fixture(scope="module")
def table(strace: None, make_table: MakeTable) -> Table:
    return make_table("fault-matrix", "A call that changes the site returns an error")


@pytest.mark.parametrize("verb", [Create, Upload, Delete, Restore])
def test_a_command_whose_call_fails_ends_in_words(sites, table, verb):
    try_everywhere(sites, verb, table, faults)


@pytest.mark.parametrize(
    ("verb", "name", "file", "outcome"),
    [
        # The archive is stored; only the history does not know of it.
        (Upload, "pwrite64", "/db.sqlite3-wal", "did not matter"),
        # What is staged.
        (Restore, "fdatasync", "/default.sqlite3-journal", "complained"),
        # The way back.
        (Restore, "openat", "/second.undo", "complained"),
    ],
)
def test_a_database_that_can_not_be_written_is_told_in_words_where_it_matters(
    sites, verb, name, file, outcome
):
    (site,) = [site for site in sites if site.mode == "wal"]
    trial = verb(site)
    calls = record_calls(trial)
    call = next(c for c in calls if c.name == name and file in c.text)

    columns = fail_once(trial, call, "ENOSPC")

    assert "ENOSPC" in columns
    assert outcome in columns
    trial.clean()


def faults(verb: Verb, calls: list[Call]) -> Iterator[Attempt]:
    """Let each chosen call fail with an error that it can have; with 0 with each."""
    turns = {name: cycle(errors_of(name)) for name in {c.name for c in calls}}
    for call in choose(calls, POINTS):
        errors = [next(turns[call.name])] if POINTS else errors_of(call.name)
        for error in errors:
            what = f"{error} from {call.name} {call.nth} {call.text[:200]}"
            yield what, partial(fail_once, verb, call, error)


def errors_of(name: str) -> tuple[str, ...]:
    return ERRORS if name in TAKES_SPACE else ("EIO",)


def fail_once(verb: Verb, call: Call, error: str) -> list[str]:
    """Let that call fail; return the columns that count what came of it."""
    patient = verb.patient
    verb.prepare()
    ended, hit = fail_at(patient, call, error, *verb.arguments)
    columns = [error if hit else "other call"]
    columns += verb.judge_end(ended, in_words=hit)
    patient.require_next()
    return columns


def fail_at(
    patient: Patient, call: Call, error: str, *arguments: str
) -> tuple[Ended, bool]:
    """Run the command with that error; also return whether the site was hit."""
    launcher = patient.launcher
    run = launcher.prepare(*arguments)
    log = run.output.with_suffix(".fault")
    chosen = f"inject={call.name}:error={error}:when={call.nth}"
    options = ["-y", "-e", f"trace={call.name}", "-e", chosen, "-o", str(log)]
    with launcher.traced(run, *options):
        run.go_on()
        ended = run.end()
    hits = [line for line in log.read_text().splitlines() if "(INJECTED)" in line]
    log.unlink()
    folder = str(patient.site.folder)
    is_hit = [folder in line and "/output-" not in line for line in hits]
    return ended, bool(hits) and all(is_hit)
