"""GET /api/backups/{key}/preview: what a restore would change."""

import pytest

from backups.models import Operation
from tests.engine import create
from tests.site.models import Article

from .conftest import EMPTY_ZIP
from .wire import NO_TOKEN, NOT_FOUND, NOT_SUPERUSER, answer, error

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


@pytest.mark.parametrize(
    ("caller", "status", "message"),
    [("guest", 401, NO_TOKEN), ("user", 403, NOT_SUPERUSER)],
)
def test_it_is_for_superusers_only(api, caller, status, message):
    response = api.get("/api/backups/one.zip/preview", caller=caller)
    assert answer(response) == error(status, message)


def test_it_tells_rows_files_space_and_time(api, article, media):
    create("one.zip")
    Article.objects.create(title="second")
    status, body = answer(api.get("/api/backups/one.zip/preview"))
    assert status == 200
    assert (body["key"], body["refusal"]) == ("one.zip", "")
    assert body["bytesNeeded"] < body["bytesFree"]
    assert body["seconds"] >= 1
    (default, second) = body["databases"]
    assert (default["alias"], default["toMigrate"]) == ("default", [])
    assert {"name": "site_article", "now": 2, "then": 1} in default["tables"]
    assert second["alias"] == "second"
    assert body["media"]["unchanged"]["count"] == 3
    assert body["media"]["removed"] == {"count": 0, "bytes": 0, "examples": []}


def test_it_works_while_something_runs(api, article, media, busy):
    create("one.zip")
    busy()
    assert api.get("/api/backups/one.zip/preview").status_code == 200


def test_what_is_no_archive_or_not_there_has_none(api, store):
    store.put("other.zip", EMPTY_ZIP)
    assert api.get("/api/backups/other.zip/preview").status_code == 400
    response = api.get("/api/backups/missing.zip/preview")
    assert answer(response) == error(404, NOT_FOUND)


def test_it_changes_nothing(api, article, media):
    create("one.zip")
    count = Operation.objects.count()
    api.get("/api/backups/one.zip/preview")
    assert Operation.objects.count() == count
