"""Claims: who may work, and what is left when it does not work out."""

import os
import threading
import uuid

import pytest
from django.db import connection, transaction

from backups import lease, operations, workspace
from backups.exceptions import (
    LeaseLost,
    Misconfigured,
    NameTaken,
    OperationInProgress,
)
from backups.models import Lease, Operation
from backups.operations import Claim
from backups.signals import operation_finished, operation_started
from tests.engine import create

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


def claim(key: str = "one.zip") -> operations.Claim:
    return operations.claim_create(key, actor="test")


def test_of_many_at_once_exactly_one_gets_the_claim(media):
    outcomes = []
    barrier = threading.Barrier(8)

    def try_it(number: int) -> None:
        barrier.wait()
        try:
            outcomes.append(claim(f"{number}.zip"))
        except OperationInProgress:
            outcomes.append(None)
        finally:
            connection.close()

    threads = [threading.Thread(target=try_it, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [outcome for outcome in outcomes if outcome]
    assert len(outcomes) == 8
    assert len(winners) == 1
    operations.create_backup(winners[0])


def test_a_taken_name_leaves_no_trace(media):
    create("one.zip")
    with pytest.raises(NameTaken):
        claim()
    assert Operation.objects.count() == 1


def test_two_generated_names_in_one_second_differ(media):
    assert len({create(""), create(""), create("")}) == 3


def test_inside_a_transaction_it_is_refused(media):
    with transaction.atomic(), pytest.raises(Misconfigured, match="transaction"):
        claim()


def test_a_workspace_of_another_user_is_refused(media, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(Misconfigured, match="another user"):
        claim()


@pytest.mark.parametrize(
    ("place", "said"),
    [("{media}/w", "The workspace lies inside"), ("{backups}/w", "of the backups")],
)
def test_places_inside_one_another_are_refused(media, settings, place, said):
    folder = place.format(media=media, backups=settings.DATA_DIR / "backups")
    settings.BACKUPS = {**settings.BACKUPS, "WORKSPACE": folder}
    with pytest.raises(Misconfigured, match=said):
        claim()


def test_a_failed_operation_says_why_and_frees_the_lease(media):
    with pytest.raises(OSError, match="Input/output"), claim():
        raise OSError(5, "Input/output error")
    found = Operation.objects.get()
    assert (found.state, found.error) == (
        Operation.State.FAILED,
        "The system refused: Input/output error.",
    )
    assert operations.is_idle()


def test_an_unexpected_error_shows_its_kind_and_no_more(media):
    with pytest.raises(ValueError, match="a secret"), claim():
        raise ValueError("a secret")
    assert "a secret" not in Operation.objects.get().error


def test_who_lost_the_lease_may_not_go_on(media):
    with pytest.raises(LeaseLost), claim() as held:
        lease.release(held.token)
        lease.acquire(uuid.uuid4())
        held.require_held()


def test_the_progress_is_stored_while_it_runs(media, settings):
    with claim() as held:
        held.report(phase="media", total=100, done=40)
        held.publish_progress()
        found = Operation.objects.get()
    assert (found.phase, found.bytes_done, found.bytes_total) == ("media", 40, 100)


def test_the_row_of_an_operation_that_died_is_closed_by_the_next(media):
    os.close(claim().lock)
    create("two.zip")
    assert set(Operation.objects.values_list("key", "state")) == {
        ("one.zip", "failed"),
        ("two.zip", "succeeded"),
    }


def test_watchers_hear_of_start_and_end_and_can_do_no_harm(media):
    heard = []

    def watch(sender, operation, signal, **kwargs):
        heard.append((signal is operation_started, operation.state))
        raise RuntimeError

    for signal in (operation_started, operation_finished):
        signal.connect(watch)
    create("one.zip")
    for signal in (operation_started, operation_finished):
        signal.disconnect(watch)
    assert heard == [(True, "running"), (False, "succeeded")]


def test_a_probe_of_an_operation_that_is_gone_leaves_no_folder(media):
    token = uuid.uuid4()
    assert not workspace.is_dead(token)
    assert not workspace.operation_folder(token).exists()


def test_of_too_many_remarks_the_last_says_how_many_more(media):
    for number in range(150):
        (media / f"link-{number:03}").symlink_to("nowhere")
    create("one.zip")
    remarks = [str(remark) for remark in Operation.objects.get().remarks]
    assert remarks[98:] == ["Left out: link-098", "51 more remarks like these"]


def test_who_lost_the_lease_while_it_chose_a_name_does_not_begin(media):
    def choose_key() -> str:
        Lease.objects.update(token=uuid.uuid4())
        return "one.zip"

    with pytest.raises(LeaseLost):
        Claim.make(Operation.Kind.CREATE, choose_key, "test")
    assert not Operation.objects.exists()


def test_who_lost_the_lease_leaves_what_others_stage(media, monkeypatch):
    other = uuid.uuid4()
    lock = workspace.open_operation(other)
    (media / f".backups-{other}" / "new").mkdir(parents=True)
    (media / f".backups-{uuid.uuid4()}").mkdir()
    with claim():
        pass
    assert [path.name for path in media.glob(".backups-*")] == [f".backups-{other}"]
    workspace.remove_operation(other, lock)
    with claim():
        pass
    assert not list(media.glob(".backups-*"))
