"""GET /api/backups (CONTRACT §1.1, §2.4)."""

import re

import pytest

from backups import operations

from .conftest import EMPTY_ZIP
from .wire import NO_TOKEN, NOT_SUPERUSER, answer, error


@pytest.mark.parametrize(
    ("caller", "status", "message"),
    [
        pytest.param("guest", 401, NO_TOKEN, id="unauthorized"),
        pytest.param("bogus", 401, NO_TOKEN, id="bogus token"),
        pytest.param("expired superuser", 401, NO_TOKEN, id="expired token"),
        pytest.param("superuser file", 401, NO_TOKEN, id="file token in the header"),
        pytest.param("user", 403, NOT_SUPERUSER, id="regular user"),
        pytest.param(
            "superuser among users", 403, NOT_SUPERUSER, id="superuser among users"
        ),
    ],
)
def test_it_is_for_superusers_only(api, four, caller, status, message):
    assert answer(api.get("/api/backups", caller=caller)) == error(status, message)


def test_it_takes_no_auth_token_from_the_query(api, tokens):
    target = f"/api/backups?token={tokens['superuser']}"
    assert answer(api.get(target, caller="guest")) == error(401, NO_TOKEN)


def test_it_answers_an_empty_array_while_nothing_is_stored(api):
    response = api.get("/api/backups")
    assert (response.status_code, response.content) == (200, b"[]\n")


def test_it_lists_every_stored_file(api, four):
    keys = [item["key"] for item in api.get("/api/backups").json()]
    assert keys == ["@test4.zip", "test1.zip", "test2.zip", "test3.zip"]


def test_an_item_has_modified_key_and_size_in_that_order(api, store):
    # 2026-11-23 18:25:47.460999 UTC: the milliseconds are cut, not rounded.
    store.put("test.zip", b"x" * 17, modified_ns=1_795_458_347_460_999_000)
    assert api.get("/api/backups").content == (
        b'[{"modified":"2026-11-23 18:25:47.460Z","key":"test.zip","size":17}]\n'
    )


def test_whole_seconds_keep_their_three_decimals(api, store):
    store.put("test.zip", modified_ns=1_795_458_347_000_000_000)
    assert api.get("/api/backups").json()[0]["modified"] == "2026-11-23 18:25:47.000Z"


def test_it_lists_what_is_no_archive_and_what_lies_deeper(api, store):
    for key in ("sub/in.zip", "readme.txt", "ünï.zip", "UPPER Name.ZIP", "@auto.zip"):
        store.put(key)
    keys = [item["key"] for item in api.get("/api/backups").json()]
    assert keys == [
        "@auto.zip",
        "UPPER Name.ZIP",
        "readme.txt",
        "sub/in.zip",
        "ünï.zip",
    ]


def test_it_hides_what_is_still_being_written(api, store):
    with operations.Upload("half.zip", actor="test") as upload:
        upload.write(EMPTY_ZIP + bytes(8000))
        assert api.get("/api/backups").json() == []


def test_it_works_during_an_operation(api, four, busy):
    busy()
    assert len(api.get("/api/backups").json()) == 4


def test_a_broken_storage_is_named_without_its_path(api, store):
    store.break_down()
    response = api.get("/api/backups")
    assert response.status_code == 400
    assert re.fullmatch(
        r"Failed to retrieve backup items\. Raw error: \n[^/]+\.",
        response.json()["message"],
    )
