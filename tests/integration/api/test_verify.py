"""POST /api/backups/{key}/verify: the proof of a restore without the restore."""

import pytest

from backups.models import Operation
from tests.engine import create

from .conftest import EMPTY_ZIP
from .wire import BUSY, EMPTY, NO_TOKEN, NOT_SUPERUSER, answer, error

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


@pytest.mark.parametrize(
    ("caller", "status", "message"),
    [("guest", 401, NO_TOKEN), ("user", 403, NOT_SUPERUSER)],
)
def test_it_is_for_superusers_only(api, caller, status, message):
    response = api.post("/api/backups/test1.zip/verify", caller=caller)
    assert answer(response) == error(status, message)


def test_a_sound_backup_is_proven_and_that_is_remembered(api, article, media):
    create("one.zip")
    assert answer(api.post("/api/backups/one.zip/verify")) == EMPTY
    done = Operation.objects.get(kind="verify")
    assert (done.key, done.state, done.actor) == ("one.zip", "succeeded", "root")


def test_a_damaged_one_is_refused_with_the_reason(api, article, media, store):
    create("one.zip")
    path = store.root / "one.zip"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    status, body = answer(api.post("/api/backups/one.zip/verify"))
    assert status == 400
    assert body["message"].startswith("Missing or invalid backup file. ")
    assert Operation.objects.get(kind="verify").state == "failed"


def test_a_zip_that_is_none_of_ours_is_refused(api, store):
    store.put("other.zip", EMPTY_ZIP)
    assert api.post("/api/backups/other.zip/verify").status_code == 400


def test_what_is_not_there_is_refused(api, store):
    response = api.post("/api/backups/missing.zip/verify")
    assert answer(response) == error(400, "Missing or invalid backup file.")


def test_it_takes_its_turn(api, four, busy):
    busy()
    assert answer(api.post("/api/backups/test1.zip/verify")) == error(400, BUSY)


def test_nothing_of_the_site_is_touched(api, article, media):
    create("one.zip")
    article.title = "second"
    article.save()
    (media / "later.txt").write_text("later")
    assert api.post("/api/backups/one.zip/verify").status_code == 204
    article.refresh_from_db()
    assert article.title == "second"
    assert (media / "later.txt").read_text() == "later"
    assert not list(media.glob(".backups-*"))
