"""POST /api/backups (CONTRACT §1.2, and the bodies of §0.7)."""

import json
import re

import pytest
from django.conf import settings

from backups.models import Operation

from .wire import (
    BUSY,
    EMPTY,
    FORM,
    INVALID_DATA,
    JSON,
    MULTIPART,
    NO_TOKEN,
    NOT_SUPERUSER,
    UNREADABLE_BODY,
    answer,
    error,
    form,
    out_of_range,
    part,
)

URL = "/api/backups"
MATCH_INVALID = {
    "code": "validation_match_invalid",
    "message": "Must be in a valid format.",
}
NAME_EXISTS = {
    "code": "validation_backup_name_exists",
    "message": "The backup file name is invalid or already exists.",
}
creates = pytest.mark.django_db(transaction=True, databases="__all__")


@pytest.mark.parametrize(
    ("caller", "status", "message"),
    [
        pytest.param("guest", 401, NO_TOKEN, id="unauthorized"),
        pytest.param("user", 403, NOT_SUPERUSER, id="regular user"),
    ],
)
def test_it_is_for_superusers_only(api, store, caller, status, message):
    assert answer(api.post(URL, caller=caller)) == error(status, message)
    assert store.keys() == []


@pytest.mark.parametrize("key", ["", "other.zip"], ids=["empty name", "a name"])
@pytest.mark.parametrize("body", [b"", b"{broken"], ids=["no body", "malformed body"])
def test_it_refuses_during_an_operation_before_it_reads_the_body(
    api, store, busy, key, body
):
    busy(key)
    assert answer(api.post(URL, body)) == error(400, BUSY)
    assert store.keys() == []


@creates
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="no body"),
        pytest.param({"name": ""}, id="empty"),
        pytest.param({"name": None}, id="null"),
        pytest.param(b"null", id="null as a whole"),
        pytest.param({"other": 1}, id="unknown key"),
    ],
)
def test_it_makes_a_name_if_none_is_asked_for(api, store, body):
    assert answer(api.post(URL, body)) == EMPTY
    (key,) = store.keys()
    assert re.fullmatch(r"pb_backup_test_site_\d{14}\.zip", key)


@creates
def test_two_made_names_never_collide(api, store):
    assert answer(api.post(URL)) == EMPTY
    assert answer(api.post(URL)) == EMPTY
    assert len(store.keys()) == 2


@creates
@pytest.mark.parametrize("name", ["test.zip", "_-0.zip", "x" * 146 + ".zip"])
def test_it_stores_the_backup_under_the_name_asked_for(api, store, name):
    assert answer(api.post(URL, {"name": name})) == EMPTY
    assert store.keys() == [name]


@creates
def test_it_leaves_one_line_in_the_history(api):
    api.post(URL, {"name": "test.zip"})
    operation = Operation.objects.get()
    assert (operation.kind, operation.key) == ("create", "test.zip")
    assert (operation.state, operation.actor) == ("succeeded", "root")


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        pytest.param("!test.zip", MATCH_INVALID, id="other character"),
        pytest.param("Test.zip", MATCH_INVALID, id="capital"),
        pytest.param("@test.zip", MATCH_INVALID, id="at sign"),
        pytest.param("a.b.zip", MATCH_INVALID, id="dot"),
        pytest.param("test", MATCH_INVALID, id="no extension"),
        pytest.param("test.ZIP", MATCH_INVALID, id="extension in capitals"),
        pytest.param(".zip", MATCH_INVALID, id="extension only"),
        pytest.param("test.zip\n", MATCH_INVALID, id="trailing newline"),
        pytest.param("../test.zip", MATCH_INVALID, id="path"),
        pytest.param("tést.zip", MATCH_INVALID, id="not ASCII"),
        pytest.param("\ud800.zip", MATCH_INVALID, id="half a character"),
        pytest.param("x" * 147 + ".zip", out_of_range(150), id="151 bytes"),
        pytest.param("!" * 151, out_of_range(150), id="length before pattern"),
        pytest.param("taken.zip", NAME_EXISTS, id="stored already"),
    ],
)
def test_it_refuses_a_name(api, store, name, problem):
    store.put("taken.zip")
    assert answer(api.post(URL, {"name": name})) == error(
        400, INVALID_DATA, name=problem
    )
    assert store.keys() == ["taken.zip"]


def fields(**values: str) -> bytes:
    return form(*(part(value.encode(), name=key) for key, value in values.items()))


# In these two tables "taken.zip" is stored, so a name that was read is refused.
READ = {
    "JSON": (b'{"name":"taken.zip"}', JSON),
    "charset": (b'{"name":"taken.zip"}', f"{JSON}; charset=utf-8"),
    "json5": (b'{"name":"taken.zip"}', f"{JSON}5"),
    "byte order mark": (b'\xef\xbb\xbf{"name":"taken.zip"}', JSON),
    "trailing garbage": (b' {"name":"taken.zip"} garbage', JSON),
    "key in capitals": (b'{"NAME":"taken.zip"}', JSON),
    "unknown keys": (b'{"a":[1],"name":"taken.zip"}', JSON),
    "form": (b"name=taken.zip", FORM),
    "multipart": (fields(name="taken.zip"), MULTIPART),
    "JSON in a form": (fields(**{"@jsonPayload": '{"name":"taken.zip"}'}), MULTIPART),
}


@pytest.mark.parametrize(("body", "kind"), READ.values(), ids=READ)
def test_it_reads_a_body(api, store, body, kind):
    store.put("taken.zip")
    response = api.post(URL, body, content_type=kind)
    assert answer(response) == error(400, INVALID_DATA, name=NAME_EXISTS)


UNREADABLE = {
    "broken JSON": (b'{"name":', JSON),
    "array": (b'["taken.zip"]', JSON),
    "string": (b'"taken.zip"', JSON),
    "number as name": (b'{"name":1}', JSON),
    "object as name": (b'{"name":{}}', JSON),
    "not UTF-8": (b'{"name":"\xff"}', JSON),
    "deep": (b"[" * 100_000, JSON),
    "huge number": (b'{"name":' + b"9" * 10_000 + b"}", JSON),
    "type in capitals": (b'{"name":"taken.zip"}', "Application/JSON"),
    "plain text": (b"taken.zip", "text/plain"),
    "no type": (b'{"name":"taken.zip"}', ""),
    "no boundary": (b"x", "multipart/form-data"),
    "broken JSON in a form": (fields(**{"@jsonPayload": "{"}), MULTIPART),
}


@pytest.mark.parametrize(("body", "kind"), UNREADABLE.values(), ids=UNREADABLE)
def test_it_refuses_a_body_that_it_cannot_read(api, store, body, kind):
    store.put("taken.zip")
    response = api.post(URL, body, content_type=kind)
    assert answer(response) == error(400, UNREADABLE_BODY)


def test_the_query_counts_as_fields_of_a_form(api, store):
    store.put("taken.zip")
    response = api.post(f"{URL}?name=taken.zip", b"other=1", content_type=FORM)
    assert answer(response) == error(400, INVALID_DATA, name=NAME_EXISTS)


@creates
def test_the_query_does_not_count_with_json(api, store):
    assert answer(api.post(f"{URL}?name=q.zip", {"name": "body.zip"})) == EMPTY
    assert store.keys() == ["body.zip"]


@creates
@pytest.mark.parametrize("kind", [JSON, FORM, MULTIPART, "text/plain"])
def test_an_empty_body_may_have_any_type(api, store, kind):
    assert answer(api.post(URL, headers={"Content-Type": kind})) == EMPTY
    assert len(store.keys()) == 1


@creates
def test_a_backup_that_fails_says_only_so(api, store):
    store.break_down()
    response = api.post(URL, {"name": "test.zip"})
    assert answer(response) == error(400, "Failed to create backup.")
    assert Operation.objects.get().state == "failed"


@creates
def test_a_failed_backup_leaves_the_site_idle(api, store):
    store.break_down()
    api.post(URL)
    assert api.get("/api/health").json()["data"]["canBackup"] is True
    assert not list((settings.DATA_DIR / "workspace" / "operations").iterdir())


@creates
def test_a_client_that_does_not_want_to_wait_gets_the_operation(api):
    headers = {"Prefer": "wait=5, respond-async"}
    response = api.post(URL, {"name": "test.zip"}, headers=headers)
    assert response.status_code == 202
    assert response["Preference-Applied"] == "respond-async"
    assert api.get(response["Location"]).json()["key"] == "test.zip"
    assert json.loads(response.content)["id"] in response["Location"]
