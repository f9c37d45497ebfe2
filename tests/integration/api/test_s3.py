"""The whole of it over the API, with the archives in a bucket."""

import pytest

from tests.engine import tree
from tests.site.models import Article

from .conftest import EMPTY_ZIP
from .wire import EMPTY, INVALID_DATA, NOT_FOUND, answer, error, file_part

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


@pytest.fixture(autouse=True)
def chosen(bucket):
    bucket.choose()


def test_a_site_comes_back_from_s3(api, bucket, article, media):
    before = tree(media)
    assert answer(api.post("/api/backups", {"name": "one.zip"})) == EMPTY

    status, listed = answer(api.get("/api/backups"))
    assert status == 200
    assert [item["key"] for item in listed] == bucket.keys() == ["one.zip"]

    whole = bucket.client.get_object(Bucket=bucket.name, Key="one.zip")
    with whole["Body"] as body:
        content = body.read()
    assert listed[0]["size"] == len(content)
    assert answer(api.download("one.zip")) == (200, content)
    part = api.download("one.zip", headers={"Range": "bytes=10-19"})
    assert answer(part) == (206, content[10:20])

    Article.objects.update(title="changed")
    (media / "stray.txt").write_text("stray")
    assert answer(api.post("/api/backups/one.zip/restore")) == EMPTY
    assert [found.title for found in Article.objects.all()] == ["first"]
    assert tree(media) == before
    saved = answer(api.get("/api/settings"))[1]["backups"]["s3"]
    assert (saved["enabled"], saved["bucket"]) == (True, bucket.name)


def test_an_upload_goes_to_s3_and_is_deleted_there(api, bucket):
    assert answer(api.upload(file_part("up.zip", EMPTY_ZIP))) == EMPTY
    assert bucket.keys() == ["up.zip"]
    assert answer(api.delete("/api/backups/up.zip")) == EMPTY
    assert bucket.keys() == []


def test_a_bucket_that_is_not_there_is_answered(api, bucket):
    bucket.choose(bucket="no-such-bucket")
    status, body = answer(api.post("/api/backups", {"name": "one.zip"}))
    assert (status, body["message"]) == (400, "Failed to create backup.")
    assert answer(api.get("/api/backups"))[0] == 400


def test_a_backup_that_is_not_in_s3_is_not_there(api):
    assert answer(api.download("none.zip")) == error(404, NOT_FOUND)


def test_the_test_of_the_settings_passes_and_leaves_nothing(api, bucket):
    tested = api.post("/api/settings/test/s3", {"filesystem": "backups"})
    assert answer(tested) == EMPTY
    assert bucket.keys() == []


def test_a_server_that_does_not_answer_is_told_by_each_in_its_own_words(api, bucket):
    s3 = {"endpoint": "http://127.0.0.1:9"}
    assert api.patch("/api/settings", {"backups": {"s3": s3}}).status_code == 200
    taken = {
        "code": "validation_backup_name_exists",
        "message": "The backup file name is invalid or already exists.",
    }
    stored = {**taken, "message": "Backup file with the specified name already exists."}
    assert answer(api.post("/api/backups", {"name": "one.zip"})) == error(
        400, INVALID_DATA, name=taken
    )
    assert answer(api.post("/api/backups")) == error(400, "Failed to create backup.")
    assert answer(api.post("/api/backups/one.zip/restore")) == error(
        400, "Missing or invalid backup file."
    )
    assert answer(api.upload(file_part("one.zip", EMPTY_ZIP))) == error(
        400, INVALID_DATA, file=stored
    )
