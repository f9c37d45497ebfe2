"""Whatever a step relies on was synced before it: by the record of all calls."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.live.crash import Call, find_call, parse

from .calls import CHANGES
from .conftest import MakeTable
from .places import MODES, OLD, Patient, patients
from .power import Event, Trial, judge, read_log, without_each_sync
from .results import Table

pytestmark = pytest.mark.live

RESTORE = ("backup_restore", "--no-input", OLD)
CREATE = ("backup_create", "made.zip")


class Record(NamedTuple):
    """What one command did, and what was there before."""

    site: Patient
    events: list[Event]
    calls: list[Call]
    existing: list[str]
    main: int

    def judge(self, events: list[Event] | None = None) -> Trial:
        return judge(
            self.events if events is None else events,
            root=str(self.site.site.folder),
            existing=self.existing,
            main=self.main,
        )


def record(patient: Patient, *arguments: str) -> Record:
    folder = patient.site.folder
    existing = [str(path) for path in folder.rglob("*")]
    log, pid = patient.launcher.log_of(*arguments, names=CHANGES)
    calls = list(parse(log, pid))
    events = [e for e in read_log(log) if any(str(folder) in p for p in e.paths)]
    return Record(patient, events, calls, existing, pid)


@pytest.fixture(scope="module")
def table(strace: None, make_table: MakeTable) -> Table:
    return make_table("power-cut", "Steps whose ground was synced before them")


@pytest.fixture(scope="module", params=MODES)
def patient(
    request: pytest.FixtureRequest,
    strace: None,
    template: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Patient]:
    folder = tmp_path_factory.mktemp("power")
    with patients(template, folder, request.param, serve=False) as (made,):
        yield made


@pytest.fixture(scope="module")
def restore(patient: Patient) -> Record:
    patient.fill_anew()
    return record(patient, *RESTORE)


@pytest.fixture(scope="module")
def create(patient: Patient) -> Record:
    return record(patient, *CREATE)


def note(table: Table, name: str, made: Record, trial: Trial, began: float) -> None:
    row = f"{name}, {made.site.mode}"
    for moment in trial.moments.elements():
        table.count(row, moment)
    for fault in trial.faults:
        table.fail(row, fault)
    table.timed(row, began)


def test_a_restore_syncs_what_each_of_its_steps_relies_on(restore, table):
    began = time.monotonic()
    trial = restore.judge()
    note(table, "restore", restore, trial, began)

    assert trial.faults == []
    assert trial.moments["journal step"] == 5  # One of them for the other database.
    assert trial.moments["journal removed"] == 1
    assert trial.moments["archive published"] == 1
    assert trial.moments["commit"] == 1
    assert trial.moments["way back removed"] > 5


def test_a_create_syncs_the_archive_and_its_name_before_it_is_told(create, table):
    began = time.monotonic()
    trial = create.judge()
    note(table, "create", create, trial, began)

    assert trial.faults == []
    assert trial.moments["archive published"] == trial.moments["history row"] == 1


def test_an_upload_and_a_delete_are_told_once_they_are_on_the_disk(
    patient, create, table
):
    began = time.monotonic()
    source = str(patient.site.backups / "made.zip")
    upload = record(patient, "backup_upload", source, "--name", "uploaded.zip")
    delete = record(patient, "backup_delete", "--no-input", "uploaded.zip")
    for name, made in (("upload", upload), ("delete", delete)):
        trial = made.judge()
        note(table, name, made, trial, began)
        assert trial.faults == []
        assert trial.moments["history row"] == 1


def test_an_undone_restore_syncs_what_each_of_its_steps_relies_on(
    patient, restore, table
):
    began = time.monotonic()
    patient.fill_anew()
    before = patient.content()
    main = [call for call in restore.calls if call.is_main]
    last = find_call(main, "rename", '/new/old-3.bin", ')
    patient.launcher.kill_at(last, *RESTORE)

    made = record(patient, "backup_recover")

    assert patient.content() == before
    trial = made.judge()
    trial.moments["journal step"] += 1
    note(table, "recover", made, trial, began)
    assert trial.faults == []
    assert trial.moments["journal removed"] == 1


def test_the_judge_notices_a_sync_that_is_forgotten(restore, create, table):
    """Each sync of the record is taken away in turn."""
    began = time.monotonic()
    row = f"syncs taken away, {restore.site.mode}"
    noticed: list[str] = []
    for made in (restore, create):
        for sync, rest in without_each_sync(made.events):
            is_noticed = bool(made.judge(rest).faults)
            table.count(row, "noticed" if is_noticed else "covered by another")
            if is_noticed:
                noticed.append(sync.paths[0].removeprefix(str(made.site.site.folder)))
    table.timed(row, began)

    for needed in (
        "/workspace",
        "/workspace/operations",
        "/backups",
        "/media",
        "/second.sqlite3-wal" if restore.site.mode == "wal" else "/second.sqlite3",
        "/db.sqlite3-wal" if restore.site.mode == "wal" else "/db.sqlite3",
    ):
        assert needed in noticed, (needed, noticed)
    for part in ("/backups/.partial/", "/journal.json.", "second.undo", "/old", "/new"):
        assert any(part in path for path in noticed), (part, noticed)


def test_the_judge_notices_a_write_that_comes_after_its_sync(restore):
    events = restore.events
    shown = next(
        n for n, e in enumerate(events) if e.paths[-1].endswith("/journal.json")
    )
    undo = next(e for e in events if e.name == "pwrite64" and ".undo" in e.paths[0])

    doctored = [*events[: shown + 1], undo, *events[shown + 1 :]]

    (fault, *_) = restore.judge(doctored).faults
    assert "second.undo" in fault
