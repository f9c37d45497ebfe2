"""A disk that is full, of whatever folder: refused in words, nothing half done.

Needs the right to mount. TORTURE_LEVELS says at how many levels each disk is
filled, from the last byte up to where everything fits.
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.live.conftest import require

from .calls import spread
from .conftest import MakeTable
from .disks import SYSTEMS, Disk, mounted
from .places import DATABASES, MODES, OLD, Patient
from .results import Table
from .verbs import Create, Restore, Undo, Upload, Verb

pytestmark = pytest.mark.live

LEVELS = [0, 4, 16, 48, 96, 160, 256, 384, 512, 768, 1024, 1536, 2048, 3072]
"""Kibibytes that are left."""
COUNT = int(os.environ.get("TORTURE_LEVELS", "1"))
FULL = COUNT > 1
PLACES = ("databases", "media", "backups", "workspace")


@pytest.fixture(scope="module")
def table(make_table: MakeTable) -> Table:
    return make_table("small-disks", "A disk that is filled to the brim")


@pytest.fixture(scope="module", params=SYSTEMS if FULL else SYSTEMS[:1])
def system(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """A kind of file system that can be mounted here."""
    folder = tmp_path_factory.mktemp("mount")
    try:
        with mounted(request.param, folder, at=folder / "place"):
            return request.param
    except OSError as error:
        require(False, f"no {request.param} can be mounted here: {error}")
        raise


@contextmanager
def patient_on(
    place: str, system: str, mode: str, template: Path, folder: Path
) -> Iterator[tuple[Patient, Disk]]:
    """Make a site of which one folder is a small file system."""
    disks: list[Disk] = []
    # The mounts go first, since the site's folder is deleted.
    with ExitStack() as closing, ExitStack() as mounts:

        def furnish(site: Path) -> None:
            disk = mounted(system, folder, at=site / place)
            disks.append(mounts.enter_context(disk))
            if place == "databases":
                for name in DATABASES:
                    move_and_link(site / f"{name}.sqlite3", site / place)

        patient = Patient(template, folder / "site", mode, furnish)
        closing.callback(patient.close)
        patient.site.start()
        patient.fill("old")
        patient.must("backup_create", OLD)
        patient.know(OLD)
        yield patient, disks[0]


def move_and_link(file: Path, folder: Path) -> None:
    shutil.move(file, folder)
    file.symlink_to(folder / file.name)


@pytest.mark.parametrize("mode", MODES if FULL else MODES[:1])
@pytest.mark.parametrize("place", PLACES if FULL else PLACES[:1])
def test_a_full_disk_is_told_in_words(place, system, mode, template, tmp_path, table):
    row = f"{place} on {system}, {mode}"
    began = time.monotonic()
    with patient_on(place, system, mode, template, tmp_path) as (patient, disk):
        for verb in (Create(patient), Upload(patient), Restore(patient)):
            for level in spread(LEVELS, COUNT) if FULL else [4]:
                fill_once(verb, disk, level << 10, table, row)
    table.timed(row, began)
    assert table.failures_of(row) == []


def fill_once(verb: Verb, disk: Disk, leaving: int, table: Table, row: str) -> None:
    verb.prepare()
    disk.fill(leaving)
    try:
        ended = verb.patient.run(*verb.arguments)
        disk.empty()
        table.count(row, verb.name, *verb.judge_end(ended))
        verb.patient.require_next()
    except AssertionError as error:
        table.fail(row, f"{verb.name} with {leaving >> 10} KiB: {error}")
        table.store()
    finally:
        disk.empty()
    verb.clean()


@pytest.mark.parametrize(
    "place", ["workspace", "backups", "databases"] if FULL else ["workspace"]
)
def test_a_folder_on_another_file_system_is_as_good(
    place, system, template, tmp_path, table
):
    row = f"{place} on another {system}, not full"
    began = time.monotonic()
    mode = MODES[0]
    with patient_on(place, system, mode, template, tmp_path) as (patient, _):
        for verb in (Create(patient), Upload(patient), Restore(patient), Undo(patient)):
            verb.prepare()
            ended = patient.run(*verb.arguments)
            table.count(row, verb.name, *verb.judge_end(ended))
            assert (ended.status, verb.judge()) == (0, True), ended.output
            patient.require_next()
            verb.clean()
    table.timed(row, began)
