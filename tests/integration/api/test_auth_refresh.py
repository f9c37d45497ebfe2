"""POST /api/collections/{collection}/auth-refresh (CONTRACT §3.2)."""

from datetime import timedelta

import pytest

from backups.api.collections import SUPERUSERS, Account
from backups.api.tokens import AuthToken

from .wire import COLLECTIONS, NO_TOKEN, answer, claims_of, error


@pytest.mark.parametrize(
    "caller", ["guest", "bogus", "expired superuser", "superuser file"]
)
def test_a_refresh_needs_a_token(api, caller):
    response = api.post(f"{COLLECTIONS}/_superusers/auth-refresh", caller=caller)
    assert answer(response) == error(401, NO_TOKEN)


@pytest.mark.parametrize(
    ("caller", "collection", "own"),
    [("superuser", "users", "_superusers"), ("user", "_superusers", "users")],
)
def test_a_refresh_needs_the_own_collection(api, caller, collection, own):
    response = api.post(f"{COLLECTIONS}/{collection}/auth-refresh", caller=caller)
    message = f"The request requires auth record from {own} collection."
    assert answer(response) == error(403, message)


@pytest.mark.parametrize(
    ("caller", "collection"), [("superuser", "_superusers"), ("user", "users")]
)
def test_a_refresh_answers_like_a_login(api, caller, collection):
    body = api.post(f"{COLLECTIONS}/{collection}/auth-refresh", caller=caller).json()
    assert sorted(body) == ["record", "token"]
    assert body["record"]["collectionName"] == collection


def test_a_refresh_puts_the_end_off(api, superuser):
    old = AuthToken(Account(superuser, SUPERUSERS))
    old.set_exp(lifetime=timedelta(seconds=60))
    api.tokens["superuser"] = str(old)
    new = api.post(f"{COLLECTIONS}/_superusers/auth-refresh").json()["token"]
    assert claims_of(new)["exp"] > claims_of(str(old))["exp"]
