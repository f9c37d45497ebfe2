"""GET /api/health (CONTRACT §4.4)."""

import pytest

URL = "/api/health"


@pytest.mark.parametrize(
    "caller",
    ["guest", "bogus", "expired superuser", "superuser file", "user"],
)
def test_it_tells_others_only_that_it_is_up(api, caller):
    response = api.get(URL, caller=caller)
    assert response.status_code == 200
    expected = b'{"message":"API is healthy.","code":200,"data":{}}\n'
    assert response.content == expected


def test_it_tells_a_superuser_whether_a_backup_can_start(api):
    assert api.get(URL).json() == {
        "message": "API is healthy.",
        "code": 200,
        "data": {
            "canBackup": True,
            "possibleProxyHeader": "",
            "realIP": "127.0.0.1",
        },
    }


def test_no_backup_can_start_during_an_operation(api, busy):
    busy()
    assert api.get(URL).json()["data"]["canBackup"] is False


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({"CF-Connecting-IP": "192.0.2.1"}, "CF-Connecting-IP"),
        ({"Fly-Client-IP": "192.0.2.1"}, "Fly-Client-IP"),
        ({"CF-Connecting-IP": "a", "Fly-Client-IP": "b"}, "CF-Connecting-IP"),
        ({"X-Forwarded-For": "192.0.2.1"}, ""),
    ],
)
def test_it_names_the_header_of_a_known_proxy(api, headers, name):
    data = api.get(URL, headers=headers).json()["data"]
    assert data["possibleProxyHeader"] == name


def test_it_names_a_header_that_is_trusted_already(api, settings):
    settings.BACKUPS = {**settings.BACKUPS, "TRUSTED_PROXY_HEADERS": ("X-Real-IP",)}
    headers = {"X-Real-IP": "192.0.2.1", "CF-Connecting-IP": "192.0.2.2"}
    data = api.get(URL, headers=headers).json()["data"]
    assert data["possibleProxyHeader"] == "X-Real-IP"


def test_head_sends_no_body(api):
    response = api.head(URL)
    assert (response.status_code, response.content) == (200, b"")
    assert response["Content-Type"] == "application/json"
