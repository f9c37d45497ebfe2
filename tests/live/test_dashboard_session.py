"""PocketBase's dashboard, call by call, as its Backups page makes them.

The calls are those that were captured from the unmodified bundle: CONTRACT
§7.2–§7.4. Every one carries the headers that it sends, also without a body.
"""

import json
import time
from typing import Any

import pytest

from .conftest import MakeSite
from .server import EMAIL, PASSWORD, Answer, Site, wait_until

pytestmark = pytest.mark.live

POLL = 3.5
"""Seconds between two looks at ``canBackup``."""
RELOAD = 2.0
"""Seconds after which the page reloads itself once a restore was accepted."""


class Dashboard:
    """One browser with the dashboard open."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.token = ""

    def call(self, method: str, path: str, data: Any = None) -> Answer:
        headers = {
            "Content-Type": "application/json",
            "Accept-Language": "en-US",
            "x-request-source": "pbui",
            "Origin": "http://127.0.0.1:5173",
        }
        if self.token:
            headers["Authorization"] = self.token
        body = None if data is None else json.dumps(data)
        answer = self.site.request(method, f"/api/{path}", body, headers)
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        return answer

    def log_in(self) -> None:
        methods = "auth-methods?fields=mfa%2Cotp%2Cpassword%2Coauth2"
        shown = self.call("GET", f"collections/_superusers/{methods}").json
        assert shown["password"]["enabled"]
        assert "email" in shown["password"]["identityFields"]
        answer = self.call(
            "POST",
            "collections/_superusers/auth-with-password",
            {"identity": EMAIL, "password": PASSWORD},
        )
        assert answer.json["record"]["email"] == EMAIL
        self.token = answer.json["token"]
        self.boot()

    def boot(self) -> None:
        """The four calls that follow a login."""
        assert self.call("GET", "collections/meta/scaffolds").json == {}
        found = self.call("GET", "collections?page=1&perPage=1000&skipTotal=1").json
        assert found["items"] == []
        assert self.call("GET", "settings").json["meta"]["appName"] == "Acme"
        assert self.call("GET", "collections/meta/oauth2-providers").json == []

    def reload(self) -> None:
        """The page starts anew with the token that it has stored."""
        answer = self.call("POST", "collections/_superusers/auth-refresh")
        assert answer.status == 200, answer.body
        self.token = answer.json["token"]
        self.boot()

    def open_backups(self) -> list[str]:
        assert isinstance(self.call("GET", "settings").json["backups"]["s3"], dict)
        found = self.call("GET", "backups").json
        found.sort(key=lambda item: item["modified"], reverse=True)
        return [item["key"] for item in found]

    def can_backup(self) -> bool:
        return self.call("GET", "health").json["data"]["canBackup"]


@pytest.fixture(scope="module")
def site(make_site: MakeSite) -> Site:
    site = make_site().start()
    site.add_article("first")
    return site


@pytest.fixture
def dashboard(site: Site) -> Dashboard:
    dashboard = Dashboard(site)
    dashboard.log_in()
    return dashboard


def test_a_browser_on_another_origin_may_send_its_header(site):
    answer = site.request(
        "OPTIONS",
        "/api/backups",
        headers={
            "Origin": "http://127.0.0.1:5173",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "x-request-source,authorization",
        },
    )
    assert answer.status == 204
    allowed = answer.headers["Access-Control-Allow-Headers"]
    assert "x-request-source" in allowed


def test_backups_are_made_and_shown_newest_first(dashboard):
    assert dashboard.can_backup()
    assert dashboard.call("POST", "backups", {"name": "first.zip"}).status == 204
    assert dashboard.call("POST", "backups", {"name": ""}).status == 204
    keys = dashboard.open_backups()
    assert keys[0].startswith("pb_backup_acme_")
    assert keys[1] == "first.zip"


def test_a_bad_name_is_shown_under_its_field(dashboard):
    refused = dashboard.call("POST", "backups", {"name": "Bad Name"})
    assert refused.status == 400
    assert refused.json["data"]["name"]["message"] == "Must be in a valid format."


def test_the_options_are_saved_as_the_form_sends_them(dashboard):
    group = dashboard.call("GET", "settings").json["backups"]
    group |= {"cron": "0 0 * * 1,3", "cronMaxKeep": None}
    saved = dashboard.call("PATCH", "settings", {"backups": group})
    assert saved.status == 200
    assert saved.json["backups"]["cron"] == "0 0 * * 1,3"
    assert saved.json["backups"]["cronMaxKeep"] == 3
    group["cron"] = "nonsense"
    refused = dashboard.call("PATCH", "settings", {"backups": group})
    assert "cron" in refused.json["data"]["backups"]
    group["cron"] = ""
    assert dashboard.call("PATCH", "settings", {"backups": group}).status == 200


def test_a_download_link_opens_in_a_new_tab(dashboard, site):
    key = dashboard.open_backups()[-1]
    token = dashboard.call("POST", "files/token").json["token"]
    link = site.request("GET", f"/api/backups/{key}?token={token}")
    assert link.status == 200
    assert link.body.startswith(b"PK")


def test_a_restore_ends_in_a_page_that_works_two_seconds_later(dashboard, site):
    key = dashboard.open_backups()[-1]
    before = site.state()
    site.add_article("later")
    assert dashboard.call("POST", f"backups/{key}/restore").status == 204

    time.sleep(RELOAD)
    dashboard.reload()
    assert key in dashboard.open_backups()
    wait_until(dashboard.can_backup, "a backup can start again", timeout=POLL)
    assert site.state() == before


def test_a_running_operation_is_seen_by_the_next_poll(dashboard, site):
    command = site.spawn_manage("backup_create", "running.zip")
    seen = wait_until(lambda: not dashboard.can_backup(), "it is seen", timeout=POLL)
    assert seen
    command.wait()
    command.communicate()
    wait_until(dashboard.can_backup, "it is over", timeout=POLL)
    assert "running.zip" in dashboard.open_backups()


def test_deleting_takes_it_off_the_list_and_a_safety_copy_stays(dashboard):
    keys = dashboard.open_backups()
    safety = [key for key in keys if key.startswith("@before_restore_")]
    for key in keys:
        status = 400 if key in safety else 204
        assert dashboard.call("DELETE", f"backups/{key}").status == status
    assert dashboard.open_backups() == safety
