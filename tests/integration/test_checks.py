"""The system checks: each has an id, and fires for what it is about."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections
from django.test import override_settings

from backups.apps import put_gate_first
from backups.checks import GATE, RULES, check_backups
from backups.conf import FIELDS

LOCAL = "django.core.files.storage.FileSystemStorage"
WITHOUT_MEDIA = {"WORKSPACE": settings.BACKUPS["WORKSPACE"], "MEDIA": None}


def ids(**overrides) -> list[str]:
    with override_settings(**overrides):
        return [message.id for message in check_backups(None)]


def test_the_reference_project_is_clean():
    assert ids() == []


def test_an_unknown_key_is_named():
    assert ids(BACKUPS={"STORGE": "x"}) == ["backups.E001"]


def test_a_missing_storage_is_reported():
    assert "backups.E002" in ids(BACKUPS={"STORAGE": "nowhere"})


def test_backups_inside_the_media_are_reported(settings):
    inside = {"BACKEND": LOCAL, "OPTIONS": {"location": f"{settings.MEDIA_ROOT}/b"}}
    storages = {**settings.STORAGES, "backups": inside}
    assert "backups.E003" in ids(STORAGES=storages)


def test_unknown_databases_are_reported():
    assert "backups.E004" in ids(BACKUPS={"DATABASES": ("nope",)})


def test_media_that_is_no_local_folder_is_reported(settings):
    memory = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    storages = {**settings.STORAGES, "default": memory}
    assert "backups.E005" in ids(STORAGES=storages)


def test_a_workspace_inside_the_media_is_reported(settings):
    inside = {"WORKSPACE": f"{settings.MEDIA_ROOT}/w"}
    assert "backups.E003" in ids(BACKUPS=inside)


def test_an_address_that_is_none_is_reported():
    assert ids(BACKUPS={"SUPERUSER_IPS": ("nonsense",)}) == ["backups.E007"]


def test_middleware_before_the_gate_is_a_warning():
    assert ids(MIDDLEWARE=["some.Other", GATE]) == ["backups.W001"]


def test_a_gate_that_is_not_listed_is_put_first():
    with override_settings(MIDDLEWARE=("some.Other",)):
        put_gate_first()
        assert settings.MIDDLEWARE == [GATE, "some.Other"]


def test_a_gate_that_is_listed_stays_where_it_is():
    with override_settings(MIDDLEWARE=["some.Other", GATE]):
        put_gate_first()
        assert settings.MIDDLEWARE == ["some.Other", GATE]


@pytest.mark.parametrize("base", ["", ".", "relative/folder"])
def test_a_workspace_that_depends_on_the_current_folder_is_reported(base):
    assert ids(BACKUPS={}, BASE_DIR=base) == ["backups.E008"]
    assert ids(BACKUPS={"WORKSPACE": base}) == ["backups.E008"]


def test_a_project_without_a_base_folder_is_reported():
    with override_settings():
        del settings.BASE_DIR
        assert ids(BACKUPS={}) == ["backups.E008"]


def test_media_without_a_folder_are_a_warning():
    assert ids(MEDIA_ROOT="") == ["backups.W003"]
    assert ids(MEDIA_ROOT="", BACKUPS=WITHOUT_MEDIA) == []


def test_a_missing_entry_of_the_media_is_reported(settings):
    storages = {"backups": settings.STORAGES["backups"]}
    assert ids(STORAGES=storages) == ["backups.E005"]


@pytest.mark.parametrize("check", [f"backups.E00{n}" for n in range(1, 9)])
def test_every_error_has_a_hint(check):
    import inspect

    from backups import checks

    source = inspect.getsource(checks)
    assert source.count("hint=") == source.count("id=")
    assert check in source


WRONG_VALUES = {
    "SITE_NAME": "",
    "STORAGE": None,
    "MEDIA": 5,
    "DATABASES": (),
    "WORKSPACE": 5,
    "LEASE_TTL": 1,
    "DRAIN_TIMEOUT": "30",
    "APPLY_TIMEOUT": -1,
    "SAFETY_COPY": "no",
    "SAFETY_DAYS": True,
    "RELOAD": 1,
    "SCHEDULER": None,
    "DISPATCH": "celery",
    "LOGIN_FAILURES": 0,
    "LOGIN_WINDOW": 0,
    "API_TOKEN_LIFETIME": 0,
    "FILE_TOKEN_LIFETIME": "3",
    "SUPERUSER_IPS": "127.0.0.1",
    "TRUSTED_PROXY_HEADERS": (5,),
    "CORS_ORIGIN": "",
}


@pytest.mark.parametrize(("key", "value"), WRONG_VALUES.items())
def test_a_value_that_makes_no_sense_is_an_error_with_a_hint(settings, key, value):
    settings.BACKUPS = {**settings.BACKUPS, key: value}
    (found,) = check_backups(None)
    assert found.id == "backups.E009"
    assert f'BACKUPS["{key}"]' in found.msg
    assert "default" in found.hint


def test_every_setting_has_a_rule_and_a_place_in_the_docs():
    docs = Path(__file__).parents[2] / "docs" / "settings.md"
    headings = re.findall(r"^## (.+)$", docs.read_text(), re.MULTILINE)
    described = {name for heading in headings for name in heading.split(", ")}
    assert RULES.keys() == FIELDS == described
    assert WRONG_VALUES.keys() == FIELDS


def test_only_the_modes_of_databases_that_are_saved_matter(settings, monkeypatch):
    monkeypatch.setitem(connections["second"].settings_dict, "OPTIONS", {})
    assert ids() == ["backups.W002"]
    assert ids(BACKUPS={**settings.BACKUPS, "DATABASES": ("default",)}) == []
