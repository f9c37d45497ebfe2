"""The safety copy that a restore makes, and the undo that it allows."""

import os
from datetime import timedelta

import pytest
from django.conf import settings as django_settings

from backups import operations
from backups.exceptions import (
    BackupProtected,
    InvalidArchive,
    NothingToUndo,
    OperationFailed,
)
from backups.models import Operation
from tests.engine import create, keys, restore, tree, upload
from tests.site.models import Article

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


@pytest.fixture
def changed(article, media):
    """A site that has an archive, and has changed since."""
    create("one.zip")
    Article.objects.create(title="second")
    (media / "later.txt").write_text("later")
    return media


def safety_copies() -> list[str]:
    return [key for key in keys() if key.startswith("@before_restore_")]


def titles() -> list[str]:
    return list(Article.objects.order_by("pk").values_list("title", flat=True))


def undo() -> None:
    operations.restore_backup(operations.claim_undo(actor="test"))


def test_a_restore_saves_what_it_replaces(changed):
    restore("one.zip")
    (key,) = safety_copies()
    assert key.startswith("@before_restore_test_site_20")
    assert Operation.objects.get(kind="restore").safety_key == key
    operations.verify_backup(operations.claim_verify(key, actor="test"))


def test_the_list_says_what_is_in_the_copy(changed):
    restore("one.zip")
    (key,) = safety_copies()
    one, copy = (
        operations.describe_backup(operations.find_backup(name)).contents
        for name in ("one.zip", key)
    )
    assert copy == one | {
        "files": one["files"] + 1,
        "file_bytes": one["file_bytes"] + len("later"),
    }


def test_undo_brings_all_of_it_back(changed):
    before = tree(changed)
    restore("one.zip")
    assert titles() == ["first"]
    undo()
    assert titles() == ["first", "second"]
    assert tree(changed) == before


def test_an_undo_can_be_undone(changed):
    restore("one.zip")
    undo()
    undo()
    assert titles() == ["first"]
    assert not (changed / "later.txt").exists()


def test_an_older_restore_can_be_named(changed):
    restore("one.zip")
    first = Operation.objects.get(kind="restore")
    Article.objects.all().delete()
    restore("one.zip")
    operations.restore_backup(operations.claim_undo(first.token, actor="test"))
    assert titles() == ["first", "second"]


def test_without_a_restore_or_its_copy_there_is_nothing_to_undo(changed):
    with pytest.raises(NothingToUndo, match="no such restore"):
        operations.claim_undo(actor="test")
    claim = operations.claim_restore("one.zip", actor="test", safety_copy=False)
    operations.restore_backup(claim)
    assert safety_copies() == []
    with pytest.raises(NothingToUndo, match="without a safety copy"):
        operations.claim_undo(actor="test")


def test_a_site_can_do_without(changed, settings):
    settings.BACKUPS = {**settings.BACKUPS, "SAFETY_COPY": False}
    restore("one.zip")
    assert safety_copies() == []


def test_a_restore_that_is_refused_makes_none(changed):
    path = django_settings.DATA_DIR / "backups" / "one.zip"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InvalidArchive):
        restore("one.zip")
    assert safety_copies() == []


def test_a_restore_that_fails_leaves_none(changed, settings, slow_request):
    settings.BACKUPS = {**settings.BACKUPS, "DRAIN_TIMEOUT": 0}
    with slow_request(), pytest.raises(OperationFailed):
        restore("one.zip")
    assert safety_copies() == []
    assert titles() == ["first", "second"]


def test_a_safety_copy_is_protected_for_its_time(changed):
    restore("one.zip")
    (key,) = safety_copies()
    with pytest.raises(BackupProtected, match="protected until"):
        operations.delete_backup(key, actor="test")
    assert operations.prune_backups(operations.plan_pruning(1), actor="test") == []
    assert safety_copies() == [key]

    path = django_settings.DATA_DIR / "backups" / key
    then = path.stat().st_mtime - timedelta(days=8).total_seconds()
    os.utime(path, (then, then))
    verdicts = {v.backup.key: v.is_kept for v in operations.plan_pruning(0)}
    assert verdicts == {"one.zip": True, key: False}
    operations.delete_backup(key, actor="test")
    assert safety_copies() == []


def test_an_upload_under_such_a_name_is_not_protected():
    upload("@before_restore_mine.zip", b"PK\x05\x06" + bytes(18))
    assert operations.prune_backups(operations.plan_pruning(1), actor="test") == []
    operations.delete_backup("@before_restore_mine.zip", actor="test")
    assert keys() == []
