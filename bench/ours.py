"""The product itself: its writer and reader alone, and its whole commands."""

import os
import shutil
import sys
from pathlib import Path

from bench.contestant import Contestant
from bench.dataset import Dataset
from bench.measure import Run
from bench.peers import task
from bench.site import ROOT, Site

CREATE = "ours, backup_create"
WRITER = "ours, the writer"
WRITER_SYNCED = "ours, the writer, then fsync"
VERIFY = "ours, the reader"
VERIFY_COMMAND = "ours, backup_verify"
STAGE = "ours, the reader"
RESTORE = "ours, backup_restore"
RESTORE_UNSAFE = "ours, without safety copy"
KEPT = "kept.zip"
MADE = "made.zip"


def creator(data: Dataset) -> Contestant:
    """Return ``manage.py backup_create``, from Django's start to the last fsync."""
    site = data.site
    made = site.backups / MADE

    def plan(work: Path) -> Run:
        return command(site, "backup_create", MADE, result=made, work=work)

    return Contestant(CREATE, plan, clean=lambda: made.unlink(missing_ok=True))


def command(site: Site, *words: str, result: Path | None, work: Path) -> Run:
    return Run(
        [sys.executable, "manage.py", *words, "--verbosity", "0"],
        ROOT,
        site.environment,
        result=result,
        watched=(site.workspace, work / "tmp"),
    )


def writers(data: Dataset) -> list[Contestant]:
    """Return the archive writer alone, which knows nothing of Django."""

    def writer(name: str, *options: str) -> Contestant:
        def plan(work: Path) -> Run:
            result = work / "out.zip"
            words = task("write", data.site.folder, result, *options)
            return Run(words, ROOT, result=result, watched=(work / "tmp",))

        return Contestant(name, plan)

    return [writer(WRITER), writer(WRITER_SYNCED, "--fsync")]


def make_archive(data: Dataset) -> Path:
    """Let the product back the site up once; return the archive."""
    archive = data.site.backups / KEPT
    archive.unlink(missing_ok=True)
    data.site.manage("backup_create", KEPT, "--verbosity", "0")
    return archive


def verifiers(data: Dataset, archive: Path) -> list[Contestant]:
    def reader(work: Path) -> Run:
        return Run(task("verify", archive), ROOT, watched=(work / "tmp",))

    def whole(work: Path) -> Run:
        site = data.site
        return Run(
            [sys.executable, "manage.py", "backup_verify", KEPT, "--verbosity", "0"],
            ROOT,
            site.environment,
            watched=(site.workspace, work / "tmp"),
        )

    return [Contestant(VERIFY, reader), Contestant(VERIFY_COMMAND, whole)]


def stager(archive: Path) -> Contestant:
    def plan(work: Path) -> Run:
        target = work / "out"
        return Run(task("extract", archive, target), ROOT, result=target)

    return Contestant(STAGE, plan)


def restorers(site: Site) -> list[Contestant]:
    """Return the whole command, with and without a copy of what it replaces."""

    def clean() -> None:
        for copy in site.backups.glob("@before_restore_*"):
            copy.unlink()

    def restorer(name: str, *options: str) -> Contestant:
        def plan(work: Path) -> Run:
            words = ["manage.py", "backup_restore", KEPT, "--no-input", *options]
            return Run(
                [sys.executable, *words, "--verbosity", "0"],
                ROOT,
                site.environment,
                file_system=site.folder,
            )

        return Contestant(name, plan, clean)

    return [restorer(RESTORE), restorer(RESTORE_UNSAFE, "--no-safety-copy")]


def copy_site(data: Dataset, folder: Path) -> Site:
    """Return a copy that may be replaced, with the same archive in its store."""
    shutil.rmtree(folder, ignore_errors=True)
    leave_out = shutil.ignore_patterns("backups", "workspace")
    shutil.copytree(data.site.folder, folder, ignore=leave_out)
    site = Site(folder)
    site.backups.mkdir(mode=0o700)
    os.link(data.site.backups / KEPT, site.backups / KEPT)
    return site
