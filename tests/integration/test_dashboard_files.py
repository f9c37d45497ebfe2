"""Serving the files of PocketBase's dashboard, where a site has them."""

import importlib
import sys

import pytest
from django.test import Client
from django.urls import clear_url_caches

import backups_project.urls
import tests.urls  # noqa: F401


@pytest.fixture
def client(tmp_path, settings):
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<title>PocketBase</title>")
    (tmp_path / "assets" / "app.js").write_text("run()")
    settings.DASHBOARD_DIR = str(tmp_path)
    settings.WHITENOISE_USE_FINDERS = False
    load_urls()
    yield Client()
    settings.DASHBOARD_DIR = ""
    load_urls()


def load_urls() -> None:
    importlib.reload(backups_project.urls)
    importlib.reload(sys.modules["tests.urls"])
    clear_url_caches()


def test_the_page_and_its_files_are_served_under_a_strict_policy(client):
    for target, content in {
        "/_/": b"<title>PocketBase</title>",
        "/_/index.html": b"<title>PocketBase</title>",
        "/_/assets/app.js": b"run()",
    }.items():
        response = client.get(target)
        assert response.status_code == 200
        assert response.getvalue() == content
        assert "script-src 'self'" in response["Content-Security-Policy"]


def test_without_the_slash_it_leads_to_the_page(client):
    assert client.get("/_")["Location"] == "/_/"


def test_its_extensions_are_there_and_empty(client):
    response = client.get("/_/extensions.js")
    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize("target", ["/_/missing.js", "/_/../manage.py", "/_/assets/"])
def test_nothing_else_is_served(client, target):
    assert client.get(target).status_code in (400, 404)
