"""A command that dies while one of its helpers changes something, or its helper.

Two kinds of threads change the site: those that unpack small files, and the beat
of a claim, which renews the lease and stores the progress. The others only
compress, or print. Tiny files are unpacked by a second process as well.
TORTURE_THREADS says at how many calls of each.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from backups.archive.helper import HELP_FROM
from tests.live.crash import Call, Run, parse
from tests.live.server import children_of, has_ended, wait_until

from .calls import CHANGES, changes, spread
from .conftest import MakeTable
from .places import MODES, OLD, Patient, patients
from .results import Table
from .trials import record_calls
from .verbs import Create, Restore, Verb

pytestmark = pytest.mark.live

POINTS = int(os.environ.get("TORTURE_THREADS", "1"))
FILES = 400
"""More than the main thread makes, whatever it does."""
ENDS = {-signal.SIGKILL: "killed", 0: "ended before"}
TINY_FILES = 2 * HELP_FROM
"""From the middle of them on there is a second process."""


@pytest.fixture(scope="module")
def table(strace: None, make_table: MakeTable) -> Table:
    return make_table("kill-threads", "SIGKILL before a call of a helper thread")


@pytest.fixture(scope="module", params=MODES if POINTS > 1 else MODES[:1])
def patient(
    request: pytest.FixtureRequest,
    strace: None,
    template: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Patient]:
    folder = tmp_path_factory.mktemp("threads")
    with patients(template, folder, request.param) as (made,):
        yield made


def judge_once(verb: Verb, kill: Callable[[], int], table: Table, what: str) -> None:
    """Kill, then let it be judged, and count it as *what*."""
    patient = verb.patient
    row = f"{what} of a {verb.name}, {patient.mode}"
    began = time.monotonic()
    verb.prepare()
    try:
        status = kill()
        wait_until(patient.is_open, "the site is open")
        patient.require_settled()
        is_new = verb.judge()
        patient.require_next()
        ended = ENDS.get(status, "complained")
        table.count(row, ended, "new" if is_new else "old")
    except AssertionError as error:
        table.fail(row, str(error))
    verb.clean()
    table.timed(row, began)


def test_a_kill_while_threads_unpack_leaves_the_site_as_it_was(patient, table):
    """Their call's number is one that the main thread doesn't reach."""
    # Too large for the main thread to unpack it by itself.
    verb = restore_of(patient, FILES, size=20_000)
    verb.prepare()
    log, pid = patient.launcher.log_of(*verb.arguments, names=CHANGES)
    for call in spread(out_of_reach(list(parse(log, pid)), patient), POINTS):
        kill = partial(patient.launcher.kill_at, call, *verb.arguments)
        judge_once(verb, kill, table, f"{call.name} in an unpacking thread")
    assert table.failures == []


def restore_of(patient: Patient, files: int, size: int) -> Restore:
    """Return a restore that brings so many files back, each of *size* bytes."""
    bulk = patient.site.media / "bulk"
    bulk.mkdir(exist_ok=True)
    for number in range(files):
        (bulk / f"{number:04}.bin").write_bytes(random.randbytes(size))
    patient.drop(OLD)
    patient.must("backup_create", OLD)
    patient.know(OLD)
    return Restore(patient)


def out_of_reach(calls: list[Call], patient: Patient) -> list[Call]:
    """Return the calls that only a helper thread makes so many of."""
    reached = Counter[str]()
    for call in calls:
        if call.is_main:
            reached[call.name] = max(reached[call.name], call.nth)
    found = [
        call
        for call in calls
        if not call.is_main
        and call.nth > reached[call.name]
        and changes(call, patient.site)
    ]
    assert found, "the threads make no more calls than the main thread"
    return sorted(found, key=lambda call: (call.name, call.nth))


@pytest.mark.parametrize("kind", [Create, Restore] if POINTS > 1 else [Create])
def test_a_kill_while_the_lease_is_renewed_leaves_the_site_as_it_was(
    patient, table, kind
):
    """The main thread is held up meanwhile, and the beat alone is traced."""
    verb = kind(patient)
    calls = record_calls(verb)
    writes = [c for c in calls if c.name == "write" and "/.partial/" in c.text]
    name = "pwrite64"
    for nth in range(1, POINTS + 1):
        kill = partial(kill_beat, verb, hold=writes[0], call=Call(name, nth, ""))
        judge_once(verb, kill, table, f"{name} in the beat")
    assert table.failures == []


def kill_beat(verb: Verb, *, hold: Call, call: Call) -> int:
    """Hold the main thread up before *hold*; kill the beat before its *call*."""
    launcher = verb.patient.launcher
    run = launcher.prepare(*verb.arguments, "--verbosity", "0")
    held = f"inject={hold.name}:delay_enter=2500000:when={hold.nth}"
    options = ["-e", f"trace={hold.name}", "-e", held, "-o", os.devnull]
    with launcher.traced(run, *options, thread=run.pid):
        run.go_on()
        beat = wait_until(lambda: other_thread(run.pid), "the beat begins")
        chosen = f"inject={call.name}:signal=KILL:when={call.nth}"
        options = ["-e", f"trace={call.name}", "-e", chosen, "-o", os.devnull]
        with launcher.traced(run, *options, thread=beat):
            return run.end().status


def other_thread(pid: int) -> int:
    """Return the first thread that is not the main one; with no progress, the beat."""
    threads = {int(name) for name in os.listdir(f"/proc/{pid}/task")} - {pid}
    return min(threads, default=0)


def test_a_kill_while_a_process_unpacks_leaves_the_site_as_it_was(patient, table):
    """Of that process, or of the command, whose helper is in the middle of something."""
    verb = restore_of(patient, TINY_FILES, size=300)
    for nth in range(1, POINTS + 1):
        with ExitStack() as tracers:
            kill = partial(kill_helper, verb, tracers, nth)
            judge_once(verb, kill, table, "fchmod in the helping process")
        with ExitStack() as tracers:
            kill = partial(kill_helped, verb, tracers, nth)
            judge_once(verb, kill, table, "fchmod beside the helping process")
    assert table.failures == []


def kill_helper(verb: Verb, tracers: ExitStack, nth: int) -> int:
    """Kill the process that helps before it has made its *nth* file."""
    run, _helper, _log = run_to_helper(verb, tracers, f"signal=KILL:when={nth}")
    return run.end().status


def kill_helped(verb: Verb, tracers: ExitStack, nth: int) -> int:
    """Kill the command when its helper, which is very slow, has made *nth* files."""
    run, helper, log = run_to_helper(verb, tracers, "delay_enter=200000")
    wait_until(lambda: log.read_text().count("= 0") >= nth, "the helper is at work")
    run.kill()
    status = run.end().status
    # Or it would go on to write where the next operation has cleaned up.
    wait_until(lambda: has_ended(helper), "the helper ends, too", timeout=5)
    return status


def run_to_helper(verb: Verb, tracers: ExitStack, fate: str) -> tuple[Run, int, Path]:
    """Begin the command; let its helper's fchmod meet *fate*, which strace logs.

    Returns the command, the process that helps it, and the log.
    """
    launcher = verb.patient.launcher
    run = launcher.prepare(*verb.arguments, "--verbosity", "0")
    log = run.output.with_suffix(".strace")
    run.go_on()
    (helper,) = wait_until(lambda: children_of(run.pid), "the helper begins")
    options = ["-e", "trace=fchmod", "-e", f"inject=fchmod:{fate}", "-o", str(log)]
    tracers.enter_context(launcher.traced(run, *options, thread=helper))
    return run, helper, log
