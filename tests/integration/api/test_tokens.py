"""What a token is worth (CONTRACT §3.5, §3.6)."""

import base64
from urllib.parse import quote

import jwt
import pytest
from django.contrib.auth.models import User

from .wire import claims_of

OTHER_KEY = "k" * 64


def list_status(api, header: str) -> int:
    headers = {"Authorization": header}
    return api.get("/api/backups", caller="guest", headers=headers).status_code


def download_status(api, token: str) -> int:
    target = f"/api/backups/x.zip?token={quote(token)}"
    return api.get(target, caller="guest").status_code


@pytest.mark.parametrize("header", ["{}", "Bearer {}", "bearer {}", "BEARER {}"])
def test_the_header_holds_the_token_bare_or_after_bearer(api, tokens, header):
    assert list_status(api, header.format(tokens["superuser"])) == 200


@pytest.mark.parametrize(
    "header", ["Bearer  {}", "Token {}", "Basic {}", "Bearer{}", "Bearer", "Bearer "]
)
def test_every_other_form_makes_a_guest(api, tokens, header):
    assert list_status(api, header.format(tokens["superuser"])) == 401


def test_a_new_password_kills_all_tokens(api, four, superuser):
    superuser.set_password("another password")
    superuser.save()
    assert api.get("/api/backups").status_code == 401
    assert api.download("test1.zip").status_code == 403


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_superuser": False}])
def test_lost_rights_kill_all_tokens(api, four, superuser, change):
    User.objects.filter(pk=superuser.pk).update(**change)
    assert api.get("/api/backups").status_code == 401
    assert api.download("test1.zip").status_code == 403


def test_a_deleted_account_kills_its_tokens(api, superuser):
    superuser.delete()
    assert api.get("/api/backups").status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({}, id="the same claims"),
        pytest.param({"id": "9"}, id="other account"),
        pytest.param({"id": "²"}, id="id of no number"),
        pytest.param({"id": "9" * 99}, id="huge id"),
        pytest.param({"id": "9" * 5000}, id="id of many digits"),
        pytest.param({"id": "1\0"}, id="NUL in the id"),
        pytest.param({"id": [1]}, id="id that is a list"),
        pytest.param({"id": None}, id="no id"),
        pytest.param({"collectionId": "nope"}, id="other collection"),
        pytest.param({"exp": "soon"}, id="end that is no number"),
    ],
)
@pytest.mark.parametrize("algorithm", ["none", "HS256", "HS512"])
def test_a_forged_token_makes_a_guest(api, tokens, change, algorithm):
    claims = claims_of(tokens["superuser"]) | change
    key = "" if algorithm == "none" else OTHER_KEY
    forged = jwt.encode(claims, key, algorithm=algorithm)
    assert list_status(api, forged) == 401
    assert download_status(api, forged) == 403


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("...", id="dots"),
        pytest.param("ü.ü.ü", id="not ASCII"),
        pytest.param(f"{encoded('[]')}.{encoded('{}')}.x", id="header of a list"),
        pytest.param(f"{encoded('{}')}.{encoded('[]')}.x", id="claims of a list"),
        pytest.param(f"{encoded('[' * 3000)}.{encoded('{}')}.x", id="deep header"),
    ],
)
def test_junk_makes_a_guest(api, token):
    assert list_status(api, token) == 401
    assert download_status(api, token) == 403


@pytest.mark.parametrize("claims", ["[" * 3000, "[]", "1", "\0"])
def test_junk_for_claims_makes_a_guest(api, tokens, claims):
    header, _, signature = tokens["superuser"].split(".")
    assert list_status(api, f"{header}.{encoded(claims)}.{signature}") == 401


def test_a_token_without_its_signature_makes_a_guest(api, tokens):
    assert list_status(api, tokens["superuser"].rpartition(".")[0] + ".") == 401
