"""GET /api/collections/{collection}/auth-methods (CONTRACT §3.3)."""

from .wire import COLLECTIONS, answer


def test_the_methods_say_how_to_log_in(api):
    response = api.get(f"{COLLECTIONS}/_superusers/auth-methods", caller="guest")
    off = {"enabled": False, "duration": 0}
    assert answer(response) == (
        200,
        {
            "password": {"identityFields": ["email", "username"], "enabled": True},
            "oauth2": {"providers": [], "enabled": False},
            "mfa": off,
            "otp": off,
            "authProviders": None,
            "usernamePassword": True,
            "emailPassword": True,
        },
    )


def test_the_dashboard_asks_for_four_of_the_methods(api):
    url = f"{COLLECTIONS}/_superusers/auth-methods"
    body = api.get(f"{url}?fields=mfa%2Cotp%2Cpassword%2Coauth2").json()
    assert list(body) == ["mfa", "oauth2", "otp", "password"]
