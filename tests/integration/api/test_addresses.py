"""The list of addresses that superusers may come from."""

import pytest

from .wire import COLLECTIONS

FORBIDDEN = "You are not allowed to perform this request."


@pytest.fixture
def only(settings):
    """Let superusers come from the given places, told by one trusted header."""

    def allow(*places):
        settings.BACKUPS = {
            **settings.BACKUPS,
            "SUPERUSER_IPS": places,
            "TRUSTED_PROXY_HEADERS": ("X-Real-IP",),
        }

    return allow


@pytest.mark.parametrize(
    ("place", "header", "status"),
    [
        ("127.0.0.1", None, 200),
        ("0.0.0.0", None, 403),
        ("192.0.2.0/24", "192.0.2.7", 200),
        ("192.0.2.0/24", "127.0.0.1", 403),
        ("192.0.2.7", "192.0.2.7, 198.51.100.1", 403),
        ("192.0.2.7", "198.51.100.1, 192.0.2.7, junk", 200),
        ("2001:db8::/32", "2001:db8::1", 200),
        ("192.0.2.0/24", "::ffff:192.0.2.7", 200),
    ],
)
def test_a_superuser_comes_in_from_a_listed_address_only(
    api, four, only, place, header, status
):
    only(place)
    headers = {"X-Real-IP": header} if header else {}
    assert api("GET", "/api/backups", headers=headers).status_code == status
    target = f"/api/backups/test1.zip?token={api.tokens['superuser file']}"
    download = api("GET", target, caller="guest", headers=headers)
    download.close()
    assert download.status_code == status


@pytest.mark.parametrize("target", ["/api/health", "/api/nowhere", "/api/backups"])
def test_elsewhere_every_path_is_forbidden(api, only, target):
    only("0.0.0.0")
    answer = api("GET", target)
    assert (answer.status_code, answer.json()["message"]) == (403, FORBIDDEN)


def test_guests_and_users_are_not_asked_where_they_come_from(api, only):
    only("0.0.0.0")
    assert api("GET", "/api/health", caller="guest").status_code == 200
    assert api("GET", "/api/health", caller="user").status_code == 200


@pytest.mark.parametrize(("password", "status"), [("right", 403), ("wrong", 400)])
def test_a_login_from_elsewhere_is_refused_after_the_password(
    api, superuser, only, password, status
):
    superuser.set_password("right")
    superuser.save()
    only("0.0.0.0")
    body = {"identity": "root", "password": password}
    target = f"{COLLECTIONS}/_superusers/auth-with-password"
    assert api("POST", target, body, caller="guest").status_code == status


def test_a_header_that_is_not_trusted_is_not_believed(api, settings):
    settings.BACKUPS = {**settings.BACKUPS, "SUPERUSER_IPS": ("192.0.2.7",)}
    headers = {"X-Real-IP": "192.0.2.7", "X-Forwarded-For": "192.0.2.7"}
    assert api("GET", "/api/backups", headers=headers).status_code == 403
