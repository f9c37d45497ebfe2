"""POST /api/collections/{collection}/auth-with-password (CONTRACT §3.1, §3.8, §3.9)."""

import json
import time
from datetime import timedelta
from urllib.parse import urlencode

import jwt
import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from backups.models import LoginFailure

from .conftest import PASSWORD
from .wire import (
    COLLECTIONS,
    FORM,
    INVALID_DATA,
    JSON,
    MULTIPART,
    NOT_FOUND,
    REQUIRED,
    UNREADABLE_BODY,
    answer,
    claims_of,
    error,
    form,
    out_of_range,
    part,
)

FAILED = error(400, "Failed to authenticate.")
GOOD = {"identity": "root@example.com", "password": PASSWORD}
BAD = {"identity": "root@example.com", "password": "wrong"}


@pytest.fixture
def login(api):
    """Log in as a guest would."""

    def post(body=GOOD, collection="_superusers", **options):
        url = f"{COLLECTIONS}/{collection}/auth-with-password"
        return api.post(url, body, caller="guest", **options)

    return post


def test_a_login_answers_the_record_and_a_token(login, superuser):
    status, body = answer(login())
    record = body["record"]
    assert (status, sorted(body)) == (200, ["record", "token"])
    assert record.pop("created").endswith("Z")
    assert record.pop("updated").endswith("Z")
    assert record == {
        "collectionId": "pbc_3142635823",
        "collectionName": "_superusers",
        "email": "root@example.com",
        "emailVisibility": False,
        "id": f"{superuser.pk:015}",
        "username": "root",
        "verified": True,
    }


def test_the_token_holds_ids_and_an_end_and_nothing_else(login, superuser):
    token = login().json()["token"]
    claims = claims_of(token)
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT"}
    assert abs(claims.pop("exp") - time.time() - 86_400) < 10
    assert claims == {
        "type": "auth",
        "id": f"{superuser.pk:015}",
        "collectionId": "pbc_3142635823",
        "refreshable": True,
    }


def test_the_claims_have_no_character_that_the_sdk_cannot_decode(login, api):
    assert not set("-_") & set(login().json()["token"].split(".")[1])


def test_the_token_opens_the_api(login, api):
    api.tokens["superuser"] = login().json()["token"]
    assert api.get("/api/backups").status_code == 200


@pytest.mark.parametrize("collection", ["_superusers", "pbc_3142635823"])
def test_the_collection_goes_by_name_or_id(login, superuser, collection):
    record = login(collection=collection).json()["record"]
    assert record["collectionName"] == "_superusers"


def test_a_login_leaves_its_time(login, superuser):
    login()
    superuser.refresh_from_db()
    assert superuser.last_login is not None


BODIES = {
    "JSON": (json.dumps(GOOD), JSON),
    "form": (urlencode(GOOD), FORM),
    "multipart": (
        form(*(part(value.encode(), name=name) for name, value in GOOD.items())),
        MULTIPART,
    ),
    "keys in capitals": (json.dumps({k.upper(): v for k, v in GOOD.items()}), JSON),
}


@pytest.mark.parametrize(("body", "kind"), BODIES.values(), ids=BODIES)
def test_credentials_come_as_json_or_a_form(login, superuser, body, kind):
    assert login(body, content_type=kind).status_code == 200


@pytest.mark.parametrize(
    ("identity", "field"),
    [
        pytest.param("root@example.com", None, id="e-mail"),
        pytest.param("root", None, id="name"),
        pytest.param("root@example.com", "", id="e-mail with an empty field"),
        pytest.param("root@example.com", "email", id="e-mail as such"),
        pytest.param("root", "username", id="name as such"),
    ],
)
def test_the_identity_is_an_email_or_a_name(login, superuser, identity, field):
    credentials = {"identity": identity, "password": PASSWORD, "identityField": field}
    assert login(credentials).status_code == 200


@pytest.mark.parametrize(
    ("identity", "password", "field"),
    [
        pytest.param("root@example.com", "wrong", "", id="wrong password"),
        pytest.param("nobody@example.com", PASSWORD, "", id="unknown identity"),
        pytest.param("ROOT@EXAMPLE.COM", PASSWORD, "", id="e-mail in capitals"),
        pytest.param("Root", PASSWORD, "", id="name in capitals"),
        pytest.param("root", PASSWORD, "email", id="name as e-mail"),
        pytest.param("root@example.com", PASSWORD, "username", id="e-mail as name"),
        pytest.param("jane@example.com", PASSWORD, "", id="regular user"),
        pytest.param("\ud800", "\udfff", "", id="half a character"),
        pytest.param("a\0b", "c\0d", "", id="NUL"),
    ],
)
def test_wrong_credentials_fail_all_alike(
    login, superuser, user, identity, password, field
):
    body = {"identity": identity, "password": password, "identityField": field}
    assert answer(login(body)) == FAILED


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_superuser": False}])
def test_an_account_that_lost_its_rights_fails(login, superuser, change):
    User.objects.update(**change)
    assert answer(login()) == FAILED


def test_an_email_of_two_accounts_stands_for_none(login, superuser):
    User.objects.create_superuser("twin", superuser.email, "another password")
    assert answer(login()) == FAILED
    assert login({**GOOD, "identity": "root"}).status_code == 200


@pytest.mark.parametrize("field", ["email", "username"])
def test_nobody_locks_a_superuser_out_by_taking_the_same_email(login, superuser, field):
    other = User.objects.create_user("other", "other@example.com", "another password")
    User.objects.filter(pk=other.pk).update(**{field: superuser.email})
    assert login().status_code == 200


def test_an_empty_email_stands_for_nobody(login):
    User.objects.create_superuser("no-mail", "", PASSWORD)
    assert login({"identity": "", "password": PASSWORD}).status_code == 400


INVALID = {
    "code": "validation_in_invalid",
    "message": "Must be a valid value.",
}


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        pytest.param(b"", {"identity": REQUIRED, "password": REQUIRED}, id="no body"),
        pytest.param({}, {"identity": REQUIRED, "password": REQUIRED}, id="nothing"),
        pytest.param({**GOOD, "password": None}, {"password": REQUIRED}, id="null"),
        pytest.param({**GOOD, "identity": ""}, {"identity": REQUIRED}, id="blank"),
        pytest.param(
            {"identity": "x" * 256, "password": "x" * 256},
            {"identity": out_of_range(255), "password": out_of_range(255)},
            id="too long",
        ),
        pytest.param(
            {**GOOD, "identityField": "id"}, {"identityField": INVALID}, id="field"
        ),
    ],
)
def test_every_field_that_breaks_a_rule_is_named(login, superuser, body, problems):
    assert answer(login(body)) == error(400, INVALID_DATA, **problems)


def test_255_characters_are_not_too_long(login, superuser):
    assert answer(login({"identity": "x" * 255, "password": "ü" * 255})) == FAILED


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b'{"identity":1}'])
def test_a_body_that_cannot_be_read_is_an_error(login, superuser, body):
    assert answer(login(body)) == error(400, UNREADABLE_BODY)


@pytest.mark.parametrize("kind", ["text/plain", "application/octet-stream"])
def test_a_body_of_another_type_is_an_error(login, superuser, kind):
    response = login(json.dumps(GOOD), content_type=kind)
    assert answer(response) == error(400, "Unsupported Content-Type.")


ACTIONS = [
    ("POST", "auth-with-password"),
    ("POST", "auth-refresh"),
    ("GET", "auth-methods"),
]


@pytest.mark.parametrize(("method", "action"), ACTIONS)
@pytest.mark.parametrize("collection", ["nope", "_SUPERUSERS", "%00"])
def test_an_unknown_collection_is_not_found(api, method, action, collection):
    response = api(method, f"{COLLECTIONS}/{collection}/{action}")
    assert answer(response) == error(404, "Missing or invalid collection context.")


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("action", ["auth-with-password", "auth-refresh"])
def test_one_can_only_post_to_them(api, method, action):
    response = api(method, f"{COLLECTIONS}/_superusers/{action}")
    assert answer(response) == error(404, NOT_FOUND)


# Regular users


@pytest.mark.parametrize("collection", ["users", "_pb_users_auth_"])
def test_a_regular_user_logs_in_among_users(login, user, collection):
    record = login(
        {"identity": "jane", "password": PASSWORD}, collection=collection
    ).json()["record"]
    assert record["collectionName"] == "users"
    assert record["collectionId"] == "_pb_users_auth_"


def test_a_superuser_among_users_is_no_superuser(api, login):
    api.tokens["superuser"] = login(collection="users").json()["token"]
    assert api.get("/api/backups").status_code == 403


# The brake on guessing


@pytest.fixture
def two_tries(settings):
    settings.BACKUPS = {**settings.BACKUPS, "LOGIN_FAILURES": 2}


TOO_MANY = error(429, "Too Many Requests.")


def test_after_some_failures_even_the_right_password_must_wait(
    login, superuser, two_tries
):
    assert answer(login(BAD)) == FAILED
    assert answer(login(BAD)) == FAILED
    response = login(GOOD)
    assert answer(response) == TOO_MANY
    assert "Retry-After" not in response


def test_other_addresses_need_not_wait(login, superuser, two_tries):
    for _ in range(2):
        login(BAD)
    assert login(GOOD, REMOTE_ADDR="192.0.2.1").status_code == 200


def test_good_logins_are_not_counted(login, superuser, two_tries):
    assert [login(GOOD).status_code for _ in range(4)] == [200] * 4


def test_the_wait_comes_to_an_end(login, superuser, two_tries):
    for _ in range(2):
        login(BAD)
    LoginFailure.objects.update(since=timezone.now() - timedelta(seconds=61))
    assert answer(login(BAD)) == FAILED
    assert login(GOOD).status_code == 200
