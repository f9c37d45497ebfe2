"""A restore: all of it or nothing, whatever goes wrong on the way."""

import errno
import sqlite3
import threading

import pytest
from django.db import connection, connections
from django.db.migrations.recorder import MigrationRecorder

from backups import gate, journal, operations, workspace
from backups.durability import sync_tree
from backups.exceptions import (
    BackupNotFound,
    OperationFailed,
    OperationInProgress,
    RestoreRefused,
)
from backups.models import Operation
from backups.operations import restore as restore_module
from backups.operations import stage as stage_module
from backups.snapshots import MediaTree
from backups.snapshots.sqlite import SQLiteSnapshotter
from tests.engine import create, keys, restore, tree
from tests.integration.operations.conftest import present
from tests.site.models import Article

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


def assert_settled(media):
    assert not journal.exists()
    assert operations.is_idle()
    assert not [name for name in tree(media) if name.startswith(".")]


def last_operation() -> Operation:
    return Operation.objects.latest("started")


def test_a_missing_backup_is_refused_before_anything_is_claimed(media):
    with pytest.raises(BackupNotFound):
        operations.claim_restore("missing.zip", actor="test")
    assert not Operation.objects.exists()


@pytest.mark.parametrize(
    ("owner", "method"),
    [
        (SQLiteSnapshotter, "saved"),
        (SQLiteSnapshotter, "apply"),
        (MediaTree, "move_out"),
        (MediaTree, "move_in"),
    ],
)
def test_a_step_that_fails_puts_everything_back(
    saved, media, monkeypatch, owner, method
):
    done = getattr(owner, method)

    def fail_afterwards(self, *arguments):
        done(self, *arguments)
        monkeypatch.undo()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(owner, method, fail_afterwards)
    with pytest.raises(OSError, match="No space"):
        restore("one.zip")
    assert present(media) == saved
    assert last_operation().error == "The system refused: No space left on device."
    assert_settled(media)


def test_a_database_that_stays_locked_puts_everything_back(
    saved, media, settings, monkeypatch
):
    settings.BACKUPS = {**settings.BACKUPS, "APPLY_TIMEOUT": 0.3}
    other = sqlite3.connect(
        connections["default"].settings_dict["NAME"],
        isolation_level=None,
        check_same_thread=False,
    )
    move_in = MediaTree.move_in

    def lock_afterwards(self, token):
        move_in(self, token)
        other.execute("BEGIN IMMEDIATE")
        threading.Timer(2, other.execute, ["ROLLBACK"]).start()

    monkeypatch.setattr(MediaTree, "move_in", lock_afterwards)
    with pytest.raises(OperationFailed, match="stayed locked"):
        restore("one.zip")
    other.close()
    assert present(media) == saved
    assert "stayed locked" in last_operation().error
    assert_settled(media)


def test_an_error_after_the_commit_does_not_undo_it(saved, media, monkeypatch):
    bump = gate.bump_generation

    def fail_once():
        monkeypatch.setattr(gate, "bump_generation", bump)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(gate, "bump_generation", fail_once)
    restore("one.zip")
    assert Article.objects.get().title == "first"
    assert last_operation().state == Operation.State.SUCCEEDED
    assert_settled(media)


def test_a_journal_whose_removal_is_not_durable_yet_is_no_failure(
    saved, media, monkeypatch
):
    def fail(path):
        raise OSError(errno.EIO, "Input/output error", str(path))

    monkeypatch.setattr("backups.journal.sync_path", fail)
    restore("one.zip")
    assert Article.objects.get().title == "first"
    assert last_operation().state == Operation.State.SUCCEEDED
    assert_settled(media)


def test_requests_that_do_not_end_make_it_give_up_in_time(saved, media, settings):
    settings.BACKUPS = {**settings.BACKUPS, "DRAIN_TIMEOUT": 0.2}
    inside = gate.enter()
    with pytest.raises(OperationFailed, match="Requests were still running"):
        restore("one.zip")
    inside.leave()
    assert present(media) == saved
    assert_settled(media)


def test_the_gate_is_closed_while_it_commits_and_open_before(saved, media, monkeypatch):
    seen = {}
    move_in, stage = MediaTree.move_in, MediaTree.open_stage

    def look(name, original):
        def replacement(self, token):
            place = gate.enter()
            seen[name] = place is not None
            if place:
                place.leave()
            return original(self, token)

        return replacement

    monkeypatch.setattr(MediaTree, "move_in", look("commit", move_in))
    monkeypatch.setattr(MediaTree, "open_stage", look("stage", stage))
    restore("one.zip")
    assert seen == {"stage": True, "commit": False}


def test_all_that_is_staged_is_on_the_disk_before_the_site_is_closed(
    saved, media, monkeypatch
):
    synced = []

    def watch(folder):
        staged = sorted(path.name for path in folder.rglob("*") if path.is_file())
        synced.append((staged, journal.exists()))
        sync_tree(folder)

    monkeypatch.setattr(stage_module, "sync_tree", watch, raising=False)
    restore("one.zip")
    assert synced == [(["first.txt", "notes é.txt", "photo.jpg"], False)]


def test_a_second_operation_is_refused_meanwhile(saved, media, monkeypatch):
    original = MediaTree.open_stage

    def try_another(self, token):
        with pytest.raises(OperationInProgress):
            operations.claim_create("two.zip", actor="test")
        return original(self, token)

    monkeypatch.setattr(MediaTree, "open_stage", try_another)
    restore("one.zip")
    assert last_operation().state == Operation.State.SUCCEEDED


def test_newer_migrations_are_refused_by_name(saved, media):
    MigrationRecorder(connection).record_applied("site", "0099_of_the_future")
    create("newer.zip")
    MigrationRecorder(connection).record_unapplied("site", "0099_of_the_future")
    with pytest.raises(RestoreRefused, match=r"site\.0099_of_the_future"):
        restore("newer.zip")
    assert_settled(media)


def test_an_older_archive_is_migrated_before_it_goes_live(article, media):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE site_article DROP COLUMN summary")
    MigrationRecorder(connection).record_unapplied("site", "0002_article_summary")
    create("older.zip")
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE site_article ADD COLUMN summary text DEFAULT 'now' NOT NULL"
        )
    MigrationRecorder(connection).record_applied("site", "0002_article_summary")

    restore("older.zip")

    assert Article.objects.get().summary == ""
    assert ("site", "0002_article_summary") in MigrationRecorder(
        connection
    ).applied_migrations()


def test_other_databases_than_the_archive_has_are_refused(saved, media, settings):
    settings.BACKUPS = {**settings.BACKUPS, "DATABASES": ("default",)}
    with pytest.raises(RestoreRefused, match="this site does not have: second"):
        restore("one.zip")


def test_an_archive_without_media_is_refused_where_there_are_media(
    article, media, settings
):
    settings.BACKUPS = {**settings.BACKUPS, "MEDIA": None}
    create("rows-only.zip")
    settings.BACKUPS = {**settings.BACKUPS, "MEDIA": "default"}
    with pytest.raises(RestoreRefused, match="holds no media"):
        restore("rows-only.zip")


def test_databases_alone_can_be_saved_and_restored(article, media, settings):
    settings.BACKUPS = {**settings.BACKUPS, "MEDIA": None}
    create("rows-only.zip")
    Article.objects.update(title="changed")
    (media / "later.txt").write_text("later")
    restore("rows-only.zip")
    assert Article.objects.get().title == "first"
    assert (media / "later.txt").exists()


def test_a_site_that_keeps_its_history_elsewhere_can_be_restored(
    saved, media, settings
):
    settings.BACKUPS = {**settings.BACKUPS, "DATABASES": ("second",)}
    create("second-only.zip")
    Article.objects.using("second").update(title="changed again")
    restore("second-only.zip")
    assert Article.objects.using("second").get().title == "changed"
    assert last_operation().state == Operation.State.SUCCEEDED


def test_a_disk_that_is_too_small_is_noticed_before_anything_is_unpacked(
    saved, media, monkeypatch
):
    from backups.operations import space

    class Full:
        f_bavail, f_frsize = 0, 4096

    monkeypatch.setattr(space.os, "statvfs", lambda path: Full)
    with pytest.raises(RestoreRefused, match="not enough free space"):
        restore("one.zip")
    assert present(media) == saved


def test_a_further_database_that_stays_locked_does_not_close_the_site(
    saved, media, settings, monkeypatch
):
    settings.BACKUPS = {**settings.BACKUPS, "APPLY_TIMEOUT": 0.3}
    other = sqlite3.connect(
        connections["second"].settings_dict["NAME"], isolation_level=None
    )
    apply = SQLiteSnapshotter.apply

    def lock_before(self, staged, timeout):
        if not other.in_transaction:
            other.execute("BEGIN IMMEDIATE")
        apply(self, staged, timeout)

    monkeypatch.setattr(SQLiteSnapshotter, "apply", lock_before)
    with pytest.raises(OperationFailed, match="“second” stayed locked"):
        restore("one.zip")
    assert_settled(media)
    other.execute("ROLLBACK")
    other.close()
    assert present(media) == saved


def test_a_database_that_has_a_virtual_table_can_be_restored(saved, monkeypatch):
    with connection.cursor() as cursor:
        cursor.execute("CREATE VIRTUAL TABLE article_fts USING fts5(title)")
    create("two.zip")
    monkeypatch.setattr(Article._meta, "db_table", "article_fts")
    restore("two.zip")


def test_a_safety_copy_stays_where_the_outcome_is_not_sure(saved, media, monkeypatch):
    def fail(*arguments):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(restore_module, "commit", fail)
    monkeypatch.setattr(restore_module.history, "has_succeeded", lambda token: True)
    with pytest.raises(OSError, match="Input/output"):
        restore("one.zip")
    assert any(key.startswith("@before_restore") for key in keys())


def test_a_full_disk_after_the_commit_is_given_room_by_what_was_staged(
    saved, media, monkeypatch
):
    bump, left = gate.bump_generation, []

    def fail_while_it_is_full():
        (folder,) = (workspace.root() / "operations").iterdir()
        left.append(sorted(path.name for path in folder.iterdir()))
        if left[-1] != [workspace.LOCK_NAME]:
            raise OSError(errno.ENOSPC, "No space left on device")
        bump()

    monkeypatch.setattr(gate, "bump_generation", fail_while_it_is_full)
    restore("one.zip")
    assert len(left) == 2
    assert Article.objects.get().title == "first"
    assert_settled(media)
