"""Thousands of hostile archives: each is refused in words, and nothing changes."""

import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backups.archive.unpacking import NewFile
from backups.models import Operation
from backups.operations import claim as claim_module
from backups.operations import fit
from backups.operations import stage as stage_module
from backups.workspace import operation_folder

from .hostile_families import Mutant, make_mutant
from .hostile_report import write_report
from .hostile_site import LiveSite, is_staged, make_bases, promised_state
from .hostile_trial import Outcome, Trial, Watch

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")

MUTANTS = int(os.environ.get("TORTURE_MUTANTS", "150"))
FIRST_SEED = int(os.environ.get("TORTURE_SEED", "0"))
RESULTS = os.environ.get("TORTURE_RESULTS")


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep logs, and what does not depend on an archive, out of the loop."""
    loaders = {}
    make = fit.MigrationLoader

    def load_once(connection, **options):
        if connection.alias not in loaders:
            loaders[connection.alias] = make(connection, **options)
        return loaders[connection.alias]

    monkeypatch.setattr(fit, "MigrationLoader", load_once)
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Count what is written, and measure each workspace before it goes."""
    watch = Watch()
    make = NewFile.__init__
    write, remove = NewFile.write, claim_module.workspace.remove_operation
    run = stage_module.process.run_command

    def count(self, data):
        watch.written += len(data)
        write(self, data)

    def begin(self, member, target):
        assert is_staged(target), f"{member.name} would be written to {target}"
        make(self, member, target)

    def measure(token, lock):
        files = [p for p in operation_folder(token).rglob("*") if p.is_file()]
        watch.workspace = max(watch.workspace, sum(p.stat().st_size for p in files))
        remove(token, lock)

    def migrate(*arguments):
        watch.is_migrated = True
        return run(*arguments)

    monkeypatch.setattr(stage_module.process, "run_command", migrate)
    monkeypatch.setattr(NewFile, "__init__", begin)
    monkeypatch.setattr(NewFile, "write", count)
    monkeypatch.setattr(claim_module.workspace, "remove_operation", measure)
    return watch


def test_every_base_is_restored_as_it_is(quiet, watch, tmp_path):
    bases = make_bases()
    trial = Trial(LiveSite.make(tmp_path), watch, bases)
    for name, data in bases.items():
        assert promised_state(data) != trial.untouched
        assert trial.run(Mutant(0, "none", name, data)).refusal == ""


def test_hostile_archives_change_nothing(quiet, watch, tmp_path):
    bases = make_bases()
    trial = Trial(LiveSite.make(tmp_path), watch, bases)
    outcomes: list[Outcome] = []
    failures: list[str] = []
    started = time.monotonic()
    for seed in range(FIRST_SEED, FIRST_SEED + MUTANTS):
        mutant = make_mutant(seed, bases)
        try:
            outcomes.append(trial.run(mutant))
        except Exception as error:  # noqa: BLE001 (the next mutant is tried as well)
            failures.append(f"seed {seed}: {type(error).__name__}: {error}"[:600])
            keep(mutant)
            trial.recover()
        if seed % 200 == 199:
            Operation.objects.all().delete()
    report = write_report(
        outcomes, failures, summary(started, trial, failures), RESULTS
    )
    print(report)
    assert not failures, "\n".join(failures[:20])


def summary(started: float, trial: Trial, failures: list[str]) -> str:
    seconds = time.monotonic() - started
    return (
        f"{MUTANTS} mutants from seed {FIRST_SEED} in {seconds:.0f} s;"
        f" {len(failures)} failures; no mutant took more than"
        f" {trial.watch.peak >> 20} MB of memory."
    )


def keep(mutant: Mutant) -> None:
    """Keep the mutant that failed, where there is a place for it."""
    if RESULTS:
        folder = Path(RESULTS) / "failed"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{mutant.seed}-{mutant.family}.zip").write_bytes(mutant.data)
