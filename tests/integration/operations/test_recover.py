"""Recovery: an interrupted restore ends in one of two states, by itself."""

import uuid

import pytest

from backups import gate, journal, lease, operations, workspace
from backups.exceptions import OperationFailed, OperationInProgress, RecoveryFailed
from backups.journal import Journal, Step
from backups.models import Operation
from backups.operations import restore as restore_module
from backups.operations.recover import UNDONE, settle_journal
from backups.snapshots import MediaTree, get_snapshotters
from tests.engine import create, restore, tree
from tests.integration.operations.conftest import present
from tests.site.models import Article

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it, nothing is undone."""


def die_at(monkeypatch, owner, name):
    """Let the restore's process “die” when it calls that function."""

    def die(*arguments, **options):
        raise Killed

    monkeypatch.setattr(owner, name, die)
    monkeypatch.setattr(restore_module, "settle_journal", die)
    with pytest.raises(Killed):
        restore("one.zip")
    monkeypatch.undo()


DEATHS = {
    "before the gate": (restore_module.gate, "closed"),
    "before the first database": (restore_module, "sync_names"),
    "before the media move out": (MediaTree, "move_out"),
    "before the media move in": (MediaTree, "move_in"),
}


@pytest.mark.parametrize("death", DEATHS)
def test_a_restore_that_died_before_its_commit_is_undone(
    saved, media, monkeypatch, death
):
    die_at(monkeypatch, *DEATHS[death])
    assert journal.exists()
    assert operations.recover() == Operation.State.FAILED
    assert present(media) == saved
    assert Operation.objects.latest("started").error == UNDONE
    assert operations.is_idle()


def test_a_restore_that_died_after_its_commit_is_completed(saved, media, monkeypatch):
    die_at(monkeypatch, restore_module, "finish")
    assert operations.recover() == Operation.State.SUCCEEDED
    assert present(media)[0] == [["first"], ["second"]]
    assert "later.txt" not in tree(media)
    assert not [name for name in tree(media) if name.startswith(".")]
    assert operations.is_idle()


def test_an_outcome_that_is_true_is_never_overwritten(saved, media, monkeypatch):
    bump = gate.bump_generation

    def fail():
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(gate, "bump_generation", fail)
    with pytest.raises(OSError, match="No space"):
        restore("one.zip")
    assert journal.exists()
    with pytest.raises(RecoveryFailed):
        operations.recover()
    monkeypatch.setattr(gate, "bump_generation", bump)
    assert operations.recover() == Operation.State.SUCCEEDED
    assert present(media)[0] == [["first"], ["second"]]


def test_the_next_claim_recovers_first(saved, media, monkeypatch):
    die_at(monkeypatch, MediaTree, "move_in")
    create("two.zip")
    assert present(media) == saved


def test_a_claim_that_came_past_the_first_look_recovers_too(saved, media, monkeypatch):
    from backups.operations import claim as claim_module

    die_at(monkeypatch, MediaTree, "move_in")
    looks = iter([lambda: None, operations.recover])
    monkeypatch.setattr(claim_module, "recover", lambda: next(looks)())
    create("two.zip")
    assert present(media) == saved


def test_a_lost_undo_image_keeps_the_site_closed_and_the_data(saved, monkeypatch):
    die_at(monkeypatch, MediaTree, "move_out")
    image = next(workspace.root().glob("operations/*/second.undo"))
    image.unlink()
    with pytest.raises(RecoveryFailed):
        operations.recover()
    assert gate.enter() is None
    assert Article.objects.using("second").exists()


def test_a_journal_that_makes_no_sense_keeps_the_site_closed(saved):
    (workspace.root() / "journal.json").write_text("{")
    with pytest.raises(RecoveryFailed, match="can't be read"):
        operations.recover()
    assert not operations.recover_if_abandoned()


def test_a_restore_whose_process_lives_is_left_alone(transactional_db):
    token = uuid.uuid4()
    lock = workspace.open_operation(token)
    record = Journal(token=token, step=Step.DRAINING, undo={}, media_root=None)
    record.begin()
    with pytest.raises(OperationInProgress):
        operations.recover()
    workspace.remove_operation(token, lock)
    assert operations.recover() == Operation.State.FAILED


def test_a_recovery_never_touches_the_journal_of_another(transactional_db):
    record = Journal(token=uuid.uuid4(), step=Step.DRAINING, undo={}, media_root=None)
    record.begin()
    assert settle_journal(uuid.uuid4(), "") is None
    assert journal.read() == record
    with pytest.raises(OperationInProgress):
        record.begin()


def test_without_its_history_row_a_restore_stops_in_time(saved, media, monkeypatch):
    carry = type(get_snapshotters()["default"]).carry_state

    def delete_first(self, staged, succeeded):
        if succeeded:
            Operation.objects.all().delete()
        carry(self, staged, succeeded)

    monkeypatch.setattr(
        type(get_snapshotters()["default"]), "carry_state", delete_first
    )
    with pytest.raises(OperationFailed, match="history of the restore is gone"):
        restore("one.zip")
    assert present(media) == saved


def test_a_dead_holder_frees_the_lease_at_once(media):
    token = uuid.uuid4()
    lock = workspace.open_operation(token)
    assert lease.acquire(token)
    assert not operations.is_idle()
    import os

    os.close(lock)
    assert operations.is_idle()
    create("one.zip")
