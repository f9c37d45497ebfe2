"""POST /api/files/token (CONTRACT §3.4, §3.5)."""

import base64
import json
import time

import pytest

from .wire import JSON, NO_TOKEN, NOT_FOUND, answer, error

URL = "/api/files/token"


@pytest.mark.parametrize("caller", ["guest", "bogus", "expired superuser", "user file"])
def test_it_is_for_accounts_only(api, caller):
    assert answer(api.post(URL, caller=caller)) == error(401, NO_TOKEN)


@pytest.mark.parametrize("caller", ["user", "superuser"])
def test_it_gives_every_account_a_token(api, caller):
    response = api.post(URL, caller=caller, headers={"Content-Type": JSON})
    assert response.status_code == 200
    assert list(response.json()) == ["token"]


def test_the_token_opens_a_download(api, store):
    content = store.put("test1.zip").read_bytes()
    token = api.post(URL).json()["token"]
    target = f"/api/backups/test1.zip?token={token}"
    assert api.get(target, caller="guest").getvalue() == content


def test_the_token_of_a_user_opens_none(api, four):
    token = api.post(URL, caller="user").json()["token"]
    target = f"/api/backups/test1.zip?token={token}"
    assert api.get(target, caller="guest").status_code == 403


def test_the_token_holds_ids_and_an_end_and_nothing_else(api, superuser):
    token = api.post(URL).json()["token"]
    header, claims = (
        json.loads(base64.urlsafe_b64decode(f"{piece}=="))
        for piece in token.split(".")[:2]
    )
    assert header == {"alg": "HS256", "typ": "JWT"}
    assert abs(claims.pop("exp") - time.time() - 180) < 10
    assert claims == {
        "type": "file",
        "id": f"{superuser.pk:015}",
        "collectionId": "pbc_3142635823",
    }


def test_there_is_nothing_to_get(api):
    assert answer(api.get(URL)) == error(404, NOT_FOUND)
