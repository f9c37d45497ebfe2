"""Which automatic backups are deleted, and which never."""

import os

import pytest
from django.conf import settings

from backups import operations, site_settings
from backups.exceptions import InvalidArchive, NameTaken
from backups.models import Operation
from backups.names import AUTOMATIC_PREFIX
from tests.engine import create, keys, upload

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")

EMPTY_ZIP = b"PK\x05\x06" + bytes(18)


@pytest.fixture(autouse=True)
def keep(media):
    """Keep two automatic backups, unless a test says otherwise."""

    def set_keep(count: int) -> None:
        changes = {"cron": "@daily" if count else "", "cronMaxKeep": count}
        site_settings.change({"backups": changes})

    set_keep(2)
    return set_keep


def age(key: str, seconds: int) -> None:
    path = settings.DATA_DIR / "backups" / key
    then = path.stat().st_mtime - seconds
    os.utime(path, (then, then))


def automatic(number: int) -> str:
    """Make the *number*-th automatic backup; the higher, the newer."""
    key = operations.create_backup(operations.claim_automatic(actor="test"))
    name = f"{AUTOMATIC_PREFIX}{number}.zip"
    folder = settings.DATA_DIR / "backups"
    os.rename(folder / key, folder / name)
    Operation.objects.filter(key=key).update(key=name)
    age(name, 1000 - number)
    return name


def test_a_new_one_thins_out_the_old_ones(keep):
    keep(0)
    for number in range(4):
        automatic(number)
    keep(2)
    newest = operations.create_backup(operations.claim_automatic(actor="test"))
    assert keys() == sorted([f"{AUTOMATIC_PREFIX}3.zip", newest])


def test_zero_keeps_all(keep):
    keep(0)
    made = [automatic(number) for number in range(4)]
    assert keys() == made


def test_manual_and_uploaded_backups_are_never_touched(keep):
    keep(0)
    create("manual.zip")
    upload(f"{AUTOMATIC_PREFIX}uploaded.zip", EMPTY_ZIP)
    age("manual.zip", 5000)
    age(f"{AUTOMATIC_PREFIX}uploaded.zip", 5000)
    made = [automatic(number) for number in range(3)]
    assert operations.prune_backups(operations.plan_pruning(1), actor="test") == []
    assert keys() == sorted([made[2], "manual.zip", f"{AUTOMATIC_PREFIX}uploaded.zip"])


def test_one_that_was_uploaded_under_an_old_name_is_never_touched(keep):
    keep(0)
    made = [automatic(number) for number in range(2)]
    operations.delete_backup(made[0], actor="test")
    upload(made[0], EMPTY_ZIP)
    age(made[0], 5000)
    operations.prune_backups(operations.plan_pruning(1), actor="test")
    assert keys() == made


def test_the_newest_that_is_not_known_as_damaged_stays(keep):
    keep(0)
    made = [automatic(number) for number in range(3)]
    for key in made[1:]:
        (settings.DATA_DIR / "backups" / key).write_bytes(b"PK damaged")
        age(key, 900 - int(key[-5]))
        with pytest.raises(InvalidArchive):
            operations.verify_backup(operations.claim_verify(key, actor="test"))
    operations.prune_backups(operations.plan_pruning(1), actor="test")
    assert keys() == [made[0], made[2]]


def test_one_in_use_stays_and_is_named(keep):
    keep(0)
    made = [automatic(number) for number in range(3)]
    claim = operations.claim_restore(made[0], actor="test")
    failures = operations.prune_backups(operations.plan_pruning(1), actor="test")
    with pytest.raises(RuntimeError), claim:
        raise RuntimeError("The test is over.")
    assert len(failures) == 1
    assert made[0] in failures[0]
    assert keys() == [made[0], made[2]]


def test_nothing_is_deleted_when_the_new_one_could_not_be_stored(keep, monkeypatch):
    keep(0)
    made = [automatic(number) for number in range(3)]
    keep(1)
    claim = operations.claim_automatic(actor="test")
    (settings.DATA_DIR / "backups" / claim.operation.key).write_bytes(b"taken")
    with pytest.raises(NameTaken):
        operations.create_backup(claim)
    assert set(made) < set(keys())


def test_the_plan_gives_a_reason_for_each(keep):
    keep(0)
    create("manual.zip")
    age("manual.zip", 5000)
    made = [automatic(number) for number in range(2)]
    plan = operations.plan_pruning(1)
    assert [(v.backup.key, v.is_kept, v.reason) for v in plan] == [
        (made[1], True, "It is one of the newest 1."),
        (made[0], False, "Newer automatic backups: 1."),
        ("manual.zip", True, "The schedule did not make it."),
    ]
