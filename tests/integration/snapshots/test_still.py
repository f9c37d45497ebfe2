"""Large SQLite files, copied as files under the hands of writers.

STILL_COPIES says how many copies are taken in each journal mode.
"""

import contextlib
import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from backups.snapshots import get_snapshotters, sqlite, still
from backups.snapshots.base import ignore

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")

COPIES = int(os.environ.get("STILL_COPIES", "20"))
WRITERS = 3
# Each commit changes pages all over the file and keeps the sum; in between it
# checkpoints in every way, closes and opens again.
WRITER = """
import random, sqlite3, sys, time
path, pick = sys.argv[1], random.Random(sys.argv[2])
while True:
    database = sqlite3.connect(path, isolation_level=None, timeout=60)
    for _ in range(pick.randrange(1, 40)):
        try:
            database.execute("BEGIN IMMEDIATE")
            for _ in range(20):
                rows = pick.randrange(1, 20_001), pick.randrange(1, 20_001)
                for row, change in zip(rows, (1, -1)):
                    database.execute(
                        "UPDATE account SET amount = amount + ? WHERE id = ?",
                        [change, row],
                    )
            database.execute("UPDATE account SET amount = amount + 1 WHERE id = 0")
            database.execute("COMMIT")
            if pick.random() < 0.3:
                how = pick.choice(["PASSIVE", "FULL", "RESTART", "TRUNCATE"])
                database.execute(f"PRAGMA wal_checkpoint({how})")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            if database.in_transaction:
                database.execute("ROLLBACK")
        time.sleep(pick.random() * 0.004)
    database.close()
"""


@pytest.fixture(params=["wal", "delete"])
def bank(request, tmp_path: Path) -> Path:
    """A database of 40 MB, in which the amounts but one add up to nothing."""
    path = tmp_path / "bank.sqlite3"
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA journal_mode={request.param}")
        database.execute("CREATE TABLE account (id INTEGER PRIMARY KEY, amount, text)")
        database.executemany(
            "INSERT INTO account VALUES (?, 0, ?)",
            ((number, random.randbytes(1900)) for number in range(20_001)),
        )
        database.commit()
    return path


@pytest.fixture
def snapshotter(bank: Path, monkeypatch):
    monkeypatch.setattr(sqlite.SQLiteSnapshotter, "path", bank)
    return get_snapshotters()["default"]


@contextlib.contextmanager
def writers(bank: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    at_work = [
        subprocess.Popen([sys.executable, "-c", WRITER, bank, str(number)])
        for number in range(WRITERS)
    ]
    try:
        yield at_work
    finally:
        for process in at_work:
            process.kill()
            process.wait()


def commits(database: sqlite3.Connection) -> int:
    return database.execute("SELECT amount FROM account WHERE id = 0").fetchone()[0]


def require_sound(copy: Path) -> int:
    """Assert that a copy holds one instant; return after which commit."""
    with contextlib.closing(sqlite3.connect(copy)) as database:
        assert database.execute("PRAGMA journal_mode").fetchone()[0] == "delete"
        assert database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        everything = database.execute("SELECT sum(amount) FROM account").fetchone()[0]
        assert everything == commits(database)
        return commits(database)


def test_copies_under_the_hands_of_writers_hold_one_instant(
    bank, snapshotter, tmp_path, monkeypatch
):
    taken = []
    copy_still = still.copy_still

    def count(path: Path, target: Path) -> bool:
        taken.append(copy_still(path, target))
        return taken[-1]

    monkeypatch.setattr(sqlite, "copy_still", count)
    copy = tmp_path / "copy"
    last = 0
    with (
        writers(bank) as at_work,
        contextlib.closing(sqlite3.connect(bank, timeout=60)) as database,
    ):
        for _ in range(COPIES):
            before = commits(database)
            with snapshotter.frozen() as write:
                frozen = commits(database)
                write(copy, ignore)
            found = require_sound(copy)
            assert before <= found <= frozen
            last = commits(database)
            assert all(process.poll() is None for process in at_work)
            copy.unlink()
    assert last > COPIES, "the writers did nothing"
    print(f"\n{len(taken)} of {COPIES} copies as files, {last} commits")
    assert all(taken)
    assert len(taken) >= COPIES // 2


def test_a_file_that_is_written_meanwhile_is_not_used(
    bank, snapshotter, tmp_path, monkeypatch
):
    run = subprocess.run

    def write_and_run(*arguments, **options):
        with bank.open("r+b") as file:  # Somebody who heeds no locks.
            file.write(b"SQLite")
        return run(*arguments, **options)

    monkeypatch.setattr(still.subprocess, "run", write_and_run)
    with snapshotter.frozen() as write:
        assert not still.copy_still(bank, tmp_path / "copy")
        assert not (tmp_path / "copy").exists()
        write(tmp_path / "copy", ignore)
    assert require_sound(tmp_path / "copy") == 0


def test_without_the_program_sqlite_copies(bank, snapshotter, tmp_path, monkeypatch):
    monkeypatch.setattr(still.shutil, "which", lambda _: None)
    with snapshotter.frozen() as write:
        write(tmp_path / "copy", ignore)
    assert require_sound(tmp_path / "copy") == 0


@pytest.mark.parametrize("bank", ["wal"], indirect=True)
def test_a_reader_of_an_old_state_makes_sqlite_copy(snapshotter, bank, tmp_path):
    with (
        contextlib.closing(sqlite3.connect(bank, isolation_level=None)) as reader,
        contextlib.closing(sqlite3.connect(bank, isolation_level=None)) as writer,
    ):
        writer.execute("UPDATE account SET amount = 1 WHERE id = 0")
        reader.execute("BEGIN")
        assert commits(reader) == 1
        writer.execute("UPDATE account SET amount = 2 WHERE id = 0")
        with snapshotter.frozen() as write:
            writer.execute("UPDATE account SET amount = 3 WHERE id = 0")
            write(tmp_path / "copy", ignore)
    with contextlib.closing(sqlite3.connect(tmp_path / "copy")) as database:
        assert commits(database) == 2
