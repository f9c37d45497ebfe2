"""POST /api/operations/{id}/undo, and the safety copy that it needs."""

import pytest

from backups.models import Operation
from tests.engine import create, keys
from tests.site.models import Article

from .wire import BUSY, EMPTY, NO_TOKEN, NOT_FOUND, NOT_SUPERUSER, answer, error

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


@pytest.fixture
def restored(api, article, media):
    """The path of a restore that has removed an article."""
    create("one.zip")
    Article.objects.create(title="second")
    assert answer(api.post("/api/backups/one.zip/restore")) == EMPTY
    return f"/api/operations/{Operation.objects.get(kind='restore').token}"


def test_it_brings_back_what_was_replaced(api, restored):
    assert Article.objects.count() == 1
    assert answer(api.post(f"{restored}/undo")) == EMPTY
    assert Article.objects.count() == 2


def test_the_operation_names_the_safety_copy(api, restored):
    (key,) = (key for key in keys() if key.startswith("@before_restore_"))
    assert api.get(restored).json()["safetyKey"] == key


def test_the_safety_copy_can_not_be_deleted_yet(api, restored):
    key = api.get(restored).json()["safetyKey"]
    status, body = answer(api.delete(f"/api/backups/{key}"))
    assert status == 400
    assert "is protected until" in body["message"]


@pytest.mark.parametrize(
    ("caller", "status", "message"),
    [("guest", 401, NO_TOKEN), ("user", 403, NOT_SUPERUSER)],
)
def test_it_is_for_superusers_only(api, restored, caller, status, message):
    response = api.post(f"{restored}/undo", caller=caller)
    assert answer(response) == error(status, message)


def test_what_was_no_restore_can_not_be_undone(api, restored):
    token = Operation.objects.get(kind="create").token
    status, body = answer(api.post(f"/api/operations/{token}/undo"))
    assert (status, body["message"]) == (
        400,
        "There is no such restore that could be undone.",
    )
    response = api.post("/api/operations/nonsense/undo")
    assert answer(response) == error(404, NOT_FOUND)


def test_a_restore_can_be_told_to_make_none(api, article, media):
    create("one.zip")
    target = "/api/backups/one.zip/restore?safetyCopy=false"
    assert answer(api.post(target)) == EMPTY
    assert keys() == ["one.zip"]
    token = Operation.objects.get(kind="restore").token
    assert api.post(f"/api/operations/{token}/undo").status_code == 400


def test_it_takes_its_turn(api, restored, busy):
    busy()
    assert answer(api.post(f"{restored}/undo")) == error(400, BUSY)
