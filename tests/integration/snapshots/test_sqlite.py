"""SQLite: what a snapshot holds, and how it goes back into a live file."""

import sqlite3
import threading
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from django.db import connection, connections
from django.db.backends.signals import connection_created

from backups.exceptions import InvalidArchive, NotReplaced, OperationFailed
from backups.models import Operation
from backups.snapshots import get_snapshotters, sqlite
from backups.snapshots.base import ignore
from tests.site.models import Article

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


@pytest.fixture
def default():
    return get_snapshotters()["default"]


def snapshot(snapshotter, target: Path) -> Path:
    with snapshotter.frozen() as write:
        write(target, ignore)
    return target


def pragma(path: Path, name: str):
    with closing(sqlite3.connect(path)) as database:
        return database.execute(f"PRAGMA {name}").fetchone()[0]


def test_a_snapshot_holds_the_instant_at_which_it_was_frozen(default, tmp_path):
    Article.objects.create(title="before")
    with default.frozen() as write:
        Article.objects.create(title="after")
        write(tmp_path / "copy", ignore)
    with closing(sqlite3.connect(tmp_path / "copy")) as copy:
        assert copy.execute("SELECT title FROM site_article").fetchall() == [
            ("before",)
        ]


def test_no_byte_of_the_own_tables_is_in_a_snapshot(default, tmp_path):
    from django.utils import timezone

    Operation.objects.create(
        kind="create", key="a-telling-name", started=timezone.now()
    )
    copy = snapshot(default, tmp_path / "copy")
    assert b"a-telling-name" not in copy.read_bytes()


def test_the_description_counts_rows_and_lists_migrations(default, tmp_path):
    Article.objects.create(title="one")
    found = default.describe(snapshot(default, tmp_path / "copy"))
    assert found["tables"]["site_article"] == 1
    assert ("site", "0001_initial") in found["migrations"]
    assert "backups_operation" not in found["tables"]


def test_a_writer_is_not_stopped_by_a_frozen_snapshot(default, tmp_path):
    with default.frozen() as write:
        done = threading.Event()

        def insert() -> None:
            Article.objects.create(title="meanwhile")
            connection.close()
            done.set()

        threading.Thread(target=insert).start()
        assert done.wait(10)
        write(tmp_path / "copy", ignore)


def test_an_index_on_a_function_of_the_site_is_no_obstacle(default, tmp_path):
    def register(connection, **kwargs) -> None:
        connection.connection.create_function(
            "reversed", 1, lambda s: s[::-1], deterministic=True
        )

    connection_created.connect(register)
    try:
        connections["default"].close()
        with connection.cursor() as cursor:
            cursor.execute("CREATE INDEX rev ON site_article (reversed(title))")
        copy = snapshot(default, tmp_path / "copy")
        default.check(copy)
        default.prepare(copy)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP INDEX rev")
        connection_created.disconnect(register)
        connections["default"].close()


def test_a_damaged_snapshot_is_refused(default, tmp_path):
    for number in range(200):
        Article.objects.create(title=f"article {number}", body="text " * 200)
    copy = snapshot(default, tmp_path / "copy")
    content = bytearray(copy.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 4096] = b"\x55" * 4096
    copy.write_bytes(content)
    with pytest.raises(InvalidArchive, match="is damaged"):
        default.check(copy)


def test_applying_replaces_the_content_and_keeps_the_file(default, tmp_path):
    Article.objects.create(title="old")
    copy = snapshot(default, tmp_path / "copy")
    Article.objects.update(title="new")
    inode = default.path.stat().st_ino
    with closing(sqlite3.connect(default.path)) as other:
        assert other.execute("SELECT title FROM site_article").fetchall() == [("new",)]
        default.prepare(copy)
        default.apply(copy, 10)
        assert other.execute("SELECT title FROM site_article").fetchall() == [("old",)]
    assert default.path.stat().st_ino == inode
    assert Article.objects.get().title == "old"


def test_page_size_and_journal_mode_of_the_live_file_stay(default, tmp_path):
    live = pragma(default.path, "page_size"), pragma(default.path, "journal_mode")
    copy = snapshot(default, tmp_path / "copy")
    with closing(sqlite3.connect(copy, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=DELETE")
        database.execute("PRAGMA page_size=1024")
        database.execute("VACUUM")
        database.execute("PRAGMA journal_mode=WAL")
    default.prepare(copy)
    default.apply(copy, 10)
    assert (
        pragma(default.path, "page_size"),
        pragma(default.path, "journal_mode"),
    ) == live


def test_a_locked_database_makes_apply_give_up_and_changes_nothing(default, tmp_path):
    Article.objects.create(title="old")
    copy = snapshot(default, tmp_path / "copy")
    default.prepare(copy)
    Article.objects.update(title="new")
    with closing(sqlite3.connect(default.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationFailed, match="stayed locked"):
            default.apply(copy, 0.5)
        other.execute("ROLLBACK")
    assert Article.objects.get().title == "new"


def test_the_own_tables_are_carried_over_with_the_mark_of_success(default, tmp_path):
    from django.utils import timezone

    copy = snapshot(default, tmp_path / "copy")
    operation = Operation.objects.create(
        kind="restore", key="x.zip", started=timezone.now()
    )
    default.carry_state(copy, operation.token)
    default.prepare(copy)
    default.apply(copy, 10)
    assert Operation.objects.get().state == Operation.State.SUCCEEDED


def test_a_database_in_memory_is_refused_in_words(default, monkeypatch):
    from backups.exceptions import SnapshotFailed

    monkeypatch.setitem(connections["default"].settings_dict, "NAME", ":memory:")
    with pytest.raises(SnapshotFailed, match="not an ordinary file"):
        default.size()


def test_a_database_that_can_not_be_written_is_not_saved_for_a_restore(
    default, tmp_path, monkeypatch
):
    snapshot(default, tmp_path / "copy")
    read_only = partial(sqlite._connect, mode="ro")
    monkeypatch.setattr(sqlite, "_connect", lambda path, _mode: read_only(path))
    with (
        pytest.raises(OperationFailed, match="can't be saved: attempt to write"),
        default.saved(tmp_path / "undo"),
    ):
        pass
    assert not (tmp_path / "undo").exists()


def test_an_apply_that_is_refused_says_that_nothing_was_changed(default, tmp_path):
    Article.objects.create(title="old")
    copy = snapshot(default, tmp_path / "copy")
    default.prepare(copy)
    connection.close()
    default.path.rename(tmp_path / "moved")
    with pytest.raises(NotReplaced, match="unable to open"):
        default.apply(copy, 1)
    (tmp_path / "moved").rename(default.path)
    assert Article.objects.get().title == "old"


def test_databases_come_in_the_order_of_their_files(settings, monkeypatch):
    settings.BACKUPS = {**settings.BACKUPS, "DATABASES": ("second", "default-ro")}
    monkeypatch.setitem(
        connections.settings, "default-ro", connections.settings["default"]
    )
    assert list(get_snapshotters()) == ["default-ro", "second"]
    settings.BACKUPS = {**settings.BACKUPS, "DATABASES": ("default", "default-ro")}
    assert list(get_snapshotters()) == ["default-ro", "default"]
