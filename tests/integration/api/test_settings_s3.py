"""POST /api/settings/test/s3 (CONTRACT §4.3)."""

import pytest

from .wire import NO_TOKEN, NOT_SUPERUSER, REQUIRED, UNREADABLE_BODY, answer, error

URL = "/api/settings/test/s3"
FAILED = "Failed to test the S3 filesystem."
OFF = f"{FAILED} Raw error: \nS3 storage filesystem is not enabled."


@pytest.mark.parametrize(
    ("caller", "status", "message"),
    [("guest", 401, NO_TOKEN), ("user", 403, NOT_SUPERUSER)],
)
def test_it_is_for_superusers_only(api, caller, status, message):
    assert answer(api.post(URL, caller=caller)) == error(status, message)


@pytest.mark.parametrize("body", [b"", {}, {"filesystem": ""}])
def test_it_wants_to_know_which(api, body):
    assert answer(api.post(URL, body)) == error(400, FAILED, filesystem=REQUIRED)


def test_it_knows_two(api):
    wrong = {"code": "validation_in_invalid", "message": "Must be a valid value."}
    response = api.post(URL, {"filesystem": "invalid"})
    assert answer(response) == error(400, FAILED, filesystem=wrong)


@pytest.mark.parametrize("filesystem", ["storage", "backups"])
def test_it_says_so_when_s3_is_off(api, filesystem):
    assert answer(api.post(URL, {"filesystem": filesystem})) == error(400, OFF)


def test_it_reads_the_body(api):
    assert answer(api.post(URL, "{")) == error(400, UNREADABLE_BODY)


def test_a_server_that_is_not_there_is_named_as_the_cause(api):
    s3 = {
        "enabled": True,
        "bucket": "bucket",
        "region": "r",
        "endpoint": "http://127.0.0.1:9",
        "accessKey": "key",
        "secret": "open sesame",
        "forcePathStyle": True,
    }
    api.patch("/api/settings", {"backups": {"s3": s3}})
    status, body = answer(api.post(URL, {"filesystem": "backups"}))
    assert status == 400
    assert body["message"].startswith(
        f"{FAILED} Raw error: \nfailed to upload a test file: "
    )
    assert "sesame" not in body["message"]
