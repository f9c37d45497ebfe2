"""The ``fields`` parameter on answers (CONTRACT §0.8); its grammar: unit/test_pick."""

import pytest

from .conftest import PASSWORD
from .wire import NOT_FOUND, answer, error

LOGIN = "/api/collections/_superusers/auth-with-password"


@pytest.fixture
def stored(store):
    # 2026-11-23 18:25:47.460 UTC
    store.put("case.zip", b"x", modified_ns=1_795_458_347_460_000_000)
    return store


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ("key", b'[{"key":"case.zip"}]\n'),
        ("size,%20key", b'[{"key":"case.zip","size":1}]\n'),
        (
            "*,key:excerpt(4,true)",
            b'[{"key":"case...","modified":"2026-11-23 18:25:47.460Z","size":1}]\n',
        ),
        ("unknown", b"[{}]\n"),
        (
            "",
            b'[{"modified":"2026-11-23 18:25:47.460Z","key":"case.zip","size":1}]\n',
        ),
    ],
)
def test_they_cut_down_the_list(api, stored, fields, body):
    assert api.get(f"/api/backups?fields={fields}").content == body


def test_the_first_of_several_counts(api, stored):
    response = api.get("/api/backups?fields=key&fields=size")
    assert answer(response) == (200, [{"key": "case.zip"}])


@pytest.mark.parametrize(
    "fields",
    [
        "key:bad(1)",
        "key:excerpt()",
        "key:excerpt(0)",
        "key:",
        "key:excerpt(1,2,3)",
        "(",
    ],
)
def test_a_bad_expression_is_an_error_that_says_where(api, stored, fields):
    status, body = answer(api.get(f"/api/backups?fields={fields}"))
    assert (status, body["data"], body["status"]) == (400, {}, 400)
    assert body["message"]


def test_they_cut_down_the_health(api):
    response = api.get("/api/health?fields=data.canBackup")
    assert answer(response) == (200, {"data": {"canBackup": True}})


def test_they_cut_down_the_answer_to_a_post(api, superuser):
    credentials = {"identity": superuser.email, "password": PASSWORD}
    response = api.post(f"{LOGIN}?fields=record.email", credentials, caller="guest")
    assert answer(response) == (200, {"record": {"email": superuser.email}})


def test_they_leave_errors_alone(api):
    response = api.post("/api/backups/x.zip/restore?fields=status")
    assert answer(response) == error(400, "Missing or invalid backup file.")


@pytest.mark.parametrize("fields", ["message", "("])
def test_they_leave_unknown_paths_alone(api, fields):
    assert answer(api.get(f"/api/nope?fields={fields}")) == error(404, NOT_FOUND)


def test_an_excerpt_of_html_is_its_text(api, store):
    store.put("<b>a</b> & b.zip")
    response = api.get("/api/backups?fields=key:excerpt(3)")
    assert response.content == b'[{"key":"a \\u0026"}]\n'
