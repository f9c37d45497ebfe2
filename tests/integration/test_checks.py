"""The system checks: each has an id, and fires for what it is about."""

import pytest
from django.test import override_settings

from backups.checks import check_backups

MIDDLEWARE = ["backups.middleware.GateMiddleware"]
LOCAL = "django.core.files.storage.FileSystemStorage"


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


def test_a_missing_middleware_is_a_warning():
    assert ids(MIDDLEWARE=[]) == ["backups.W001"]


@pytest.mark.parametrize("check", [f"backups.E00{n}" for n in range(1, 8)])
def test_every_error_has_a_hint(check):
    import inspect

    from backups import checks

    source = inspect.getsource(checks)
    assert source.count("hint=") == source.count("id=")
    assert check in source
