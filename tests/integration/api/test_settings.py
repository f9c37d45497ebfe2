"""GET and PATCH /api/settings (CONTRACT §4.1, §4.2)."""

import json

import pytest

from backups.models import SiteSettings
from backups.site_settings import Stored

from .wire import (
    FORM,
    NO_TOKEN,
    NOT_SUPERUSER,
    REQUIRED,
    UNREADABLE_BODY,
    answer,
    error,
)

URL = "/api/settings"
NOT_SAVED = "An error occurred while saving the new settings."
S3 = {
    "enabled": True,
    "bucket": "b",
    "region": "r",
    "endpoint": "https://s3.example.com",
    "accessKey": "key",
    "secret": "open sesame",
}


def minimum(threshold: int):
    return {
        "code": "validation_min_greater_equal_than_required",
        "message": f"Must be no less than {threshold}.",
        "params": {"threshold": threshold},
    }


def cron(message: str):
    return {"code": "validation_invalid_cron", "message": message}


NOT_A_URL = {"code": "validation_is_url", "message": "Must be a valid URL."}
NO_NETWORK = {
    "code": "validation_invlaid_ip_or_subnet",
    "message": "Invalid IP or CIDR subnet.",
}


@pytest.mark.parametrize("method", ["GET", "PATCH"])
@pytest.mark.parametrize(
    ("caller", "status", "message"),
    [("guest", 401, NO_TOKEN), ("user", 403, NOT_SUPERUSER)],
)
def test_they_are_for_superusers_only(api, method, caller, status, message):
    assert answer(api(method, URL, caller=caller)) == error(status, message)


def test_they_have_the_whole_shape_of_the_contract(api):
    content = api.get(URL).json()
    assert list(content) == [
        "superuserIPs",
        "smtp",
        "backups",
        "s3",
        "meta",
        "rateLimits",
        "trustedProxy",
        "batch",
        "logs",
    ]
    s3 = ["enabled", "bucket", "region", "endpoint", "accessKey", "forcePathStyle"]
    assert list(content["backups"]) == ["cron", "cronMaxKeep", "s3"]
    assert list(content["backups"]["s3"]) == list(content["s3"]) == s3
    assert content["backups"]["cron"] == ""
    assert content["backups"]["cronMaxKeep"] == 3
    assert content["meta"]["appName"] == "Test Site"
    assert content["smtp"]["port"] == 587
    assert content["rateLimits"]["rules"][0] == {
        "label": "*:auth",
        "audience": "",
        "duration": 3,
        "maxRequests": 2,
    }


def test_what_is_sent_is_kept_and_the_rest_stays(api):
    changes = {"backups": {"cron": "0 3 * * *"}, "meta": {"appName": "Other"}}
    saved = api.patch(URL, changes)
    assert saved.status_code == 200
    assert saved.json() == api.get(URL).json()
    assert saved.json()["backups"]["cron"] == "0 3 * * *"
    assert saved.json()["backups"]["cronMaxKeep"] == 3
    assert saved.json()["meta"]["appName"] == "Other"
    assert saved.json()["meta"]["senderName"] == "Support"


def test_an_empty_body_changes_nothing(api):
    before = api.get(URL).json()
    assert api.patch(URL).json() == before


def test_null_keeps_the_value_at_any_depth(api):
    api.patch(URL, {"backups": {"cronMaxKeep": 7}})
    sent = {"backups": {"cronMaxKeep": None, "s3": None}, "meta": None}
    assert api.patch(URL, sent).json()["backups"]["cronMaxKeep"] == 7


def test_unknown_names_are_ignored(api):
    before = api.get(URL).json()
    sent = {"nothing": 1, "backups": {"neither": {"x": 1}}}
    assert api.patch(URL, sent).json() == before


@pytest.mark.parametrize(
    "sent",
    [
        {"backups": {"cronMaxKeep": "3"}},
        {"backups": {"cronMaxKeep": 3.5}},
        {"backups": {"cronMaxKeep": True}},
        {"backups": {"cron": 5}},
        {"backups": "x"},
        {"backups": {"s3": []}},
        {"backups": {"s3": {"secret": 5}}},
        {"superuserIPs": "127.0.0.1"},
        {"superuserIPs": [{}]},
        {"superuserIPs": [5]},
        {"rateLimits": {"rules": ["x"]}},
        {"meta": {"hideControls": 1}},
    ],
)
def test_a_value_of_another_type_is_unreadable(api, sent):
    assert answer(api.patch(URL, sent)) == error(400, UNREADABLE_BODY)
    assert not SiteSettings.objects.exclude(content={}).exists()


@pytest.mark.parametrize("body", ["[]", "5", "{", '"x"'])
def test_a_body_that_is_no_object_is_unreadable(api, body):
    assert answer(api.patch(URL, body)) == error(400, UNREADABLE_BODY)


PROBLEMS = [
    (
        {"backups": {"cron": "invalid", "cronMaxKeep": 0}},
        {
            "backups": {
                "cron": cron(
                    "Invalid cron expression - must be a valid macro or to have"
                    " exactly 5 space separated segments."
                ),
                "cronMaxKeep": REQUIRED,
            }
        },
    ),
    (
        {"backups": {"cron": "0 0 * * 7"}},
        {
            "backups": {
                "cron": cron(
                    "Invalid segment value - must be between the min and max of the"
                    " segment."
                )
            }
        },
    ),
    ({"backups": {"cronMaxKeep": -1}}, {"backups": {"cronMaxKeep": minimum(1)}}),
    (
        {"backups": {"s3": {"endpoint": "not a url"}}},
        {"backups": {"s3": {"endpoint": NOT_A_URL}}},
    ),
    (
        {"backups": {"s3": {"enabled": True}}},
        {
            "backups": {
                "s3": dict.fromkeys(
                    ("endpoint", "bucket", "region", "accessKey", "secret"), REQUIRED
                )
            }
        },
    ),
    (
        {"backups": {"s3": {**S3, "secret": ""}}},
        {"backups": {"s3": {"secret": REQUIRED}}},
    ),
    ({"meta": {"appName": ""}}, {"meta": {"appName": REQUIRED}}),
    ({"meta": {"appURL": "x"}}, {"meta": {"appURL": NOT_A_URL}}),
    (
        {"superuserIPs": ["127.0.0.1", "nowhere", "10.0.0.0/8", "10.0.0.0/99"]},
        {"superuserIPs": {"1": NO_NETWORK, "3": NO_NETWORK}},
    ),
]


@pytest.mark.parametrize(("sent", "data"), PROBLEMS)
def test_every_broken_rule_is_named_and_nothing_is_saved(api, sent, data):
    before = api.get(URL).json()
    assert answer(api.patch(URL, sent)) == error(400, NOT_SAVED, **data)
    assert api.get(URL).json() == before


@pytest.mark.parametrize(
    "sent",
    [
        {"backups": {"cronMaxKeep": 0}},
        {"backups": {"cron": "*/10 * * * *", "cronMaxKeep": 1}},
        {"backups": {"cron": "@daily"}},
        {"backups": {"s3": {"endpoint": "example.com"}}},
        {"backups": {"s3": {"endpoint": "http://minio:9000"}}},
        {"backups": {"s3": {"endpoint": "[::1]:9000"}}},
        {"superuserIPs": ["127.0.0.1", "2001:db8::/32"]},
        {"meta": {"accentColor": "#ABCDEF"}},
        {"smtp": {"enabled": True, "port": 25}},
        {"rateLimits": {"rules": [], "excludedIPs": ["192.0.2.7"]}},
    ],
)
def test_what_follows_the_rules_is_saved(api, sent):
    assert api.patch(URL, sent).status_code == 200


def test_no_secret_is_ever_answered_or_kept_in_the_clear(api):
    secrets = {
        "backups": {"s3": S3},
        "s3": {"secret": "second secret"},
        "smtp": {"password": "third secret"},
    }
    for response in (api.patch(URL, secrets), api.get(URL)):
        body = response.content.decode()
        assert response.status_code == 200
        assert "secret" not in body
        assert "password" not in body
        assert "sesame" not in body
    row = json.dumps(SiteSettings.objects.get().content)
    assert "sesame" not in row
    assert "second" not in row
    assert "third" not in row
    assert Stored.load().s3().secret == "open sesame"
    assert "sesame" not in repr(Stored.load().s3())


def test_a_secret_that_is_not_sent_stays_and_an_empty_one_deletes_it(api):
    api.patch(URL, {"backups": {"s3": S3}})
    assert api.patch(URL, {"backups": {"s3": {"bucket": "c"}}}).status_code == 200
    assert Stored.load().s3().secret == "open sesame"
    cleared = {"backups": {"s3": {"enabled": False, "secret": ""}}}
    assert api.patch(URL, cleared).status_code == 200
    enabled = {"backups": {"s3": {"enabled": True}}}
    assert answer(api.patch(URL, enabled))[1]["data"] == {
        "backups": {"s3": {"secret": REQUIRED}}
    }


def test_a_secret_outlives_a_change_of_the_key_that_is_announced(api, settings):
    api.patch(URL, {"backups": {"s3": S3}})
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key that is long enough to be taken for one"
    assert Stored.load().s3().secret == "open sesame"


def test_a_secret_of_a_lost_key_is_asked_for_again(api, settings, superuser):
    from backups.api.collections import SUPERUSERS, Account
    from backups.api.tokens import AuthToken

    api.patch(URL, {"backups": {"s3": S3}})
    settings.SECRET_KEY = "another key that is long enough to be taken for one"
    api.tokens["superuser"] = str(AuthToken(Account(superuser, SUPERUSERS)))
    response = api.get("/api/backups")
    assert response.status_code == 400
    assert "enter it again" in response.json()["message"]


def test_a_form_names_them_with_dots(api):
    body = "backups.cron=@hourly&backups.cronMaxKeep=4&meta.hideControls=true"
    saved = api.patch(URL, body, content_type=FORM).json()
    assert saved["backups"]["cron"] == "@hourly"
    assert saved["backups"]["cronMaxKeep"] == 4
    assert saved["meta"]["hideControls"] is True


@pytest.mark.parametrize(
    "body",
    [
        "backups.cronMaxKeep=x",
        "backups=1&backups.cron=x",
        "backups.cron=x&backups.cron.y=1",
        "meta.appName.x=1",
    ],
)
def test_a_form_with_nonsense_is_unreadable(api, body):
    response = api.patch(URL, body, content_type=FORM)
    assert answer(response) == error(400, UNREADABLE_BODY)


@pytest.mark.parametrize("body", ["backups=null", "x.y.z=1"])
def test_a_form_that_says_nothing_changes_nothing(api, body):
    before = api.get(URL).json()
    assert answer(api.patch(URL, body, content_type=FORM)) == (200, before)


@pytest.mark.django_db(transaction=True, databases="__all__")
def test_half_a_character_is_replaced(api, media):
    response = api.patch(URL, '{"meta":{"appName":"Shop \\ud83d"}}')
    assert response.json()["meta"]["appName"] == "Shop ?"
    assert api.post("/api/backups").status_code == 204


def test_another_method_is_not_there(api):
    assert api("PUT", URL, {}).status_code == 404


def test_fields_cut_the_answer(api):
    saved = api.patch(f"{URL}?fields=backups.cron", {"backups": {"cron": "@daily"}})
    assert saved.json() == {"backups": {"cron": "@daily"}}


def test_saving_a_list_without_oneself_locks_out_at_once(api):
    assert api.patch(URL, {"superuserIPs": ["192.0.2.7"]}).status_code == 200
    assert api.get(URL).status_code == 403


def test_stored_proxy_headers_are_believed_from_the_side_that_is_set(api):
    headers = {"X-Forwarded-For": "192.0.2.7, 198.51.100.1"}
    proxy = {"headers": ["X-Forwarded-For"], "useLeftmostIP": False}
    api.patch(URL, {"trustedProxy": proxy})
    health = api.get("/api/health", headers=headers).json()
    assert health["data"]["realIP"] == "198.51.100.1"
    api.patch(URL, {"trustedProxy": {"useLeftmostIP": True}})
    health = api.get("/api/health", headers=headers).json()
    assert health["data"]["realIP"] == "192.0.2.7"


@pytest.mark.django_db(transaction=True, databases="__all__")
def test_the_name_of_the_site_is_in_the_next_archive(api, media):
    api.patch(URL, {"meta": {"appName": "My App"}})
    assert api.post("/api/backups").status_code == 204
    (item,) = api.get("/api/backups").json()
    assert item["key"].startswith("pb_backup_my_app_20")
