"""The wheel in projects that know nothing of it, on every Python and Django here."""

import datetime
import io
import sqlite3
import zipfile
from contextlib import closing

import pytest

from .project import Project
from .shapes import EMAIL

LOOK = """
import backups
from django.conf import settings
from django.core.management import call_command
from django.template.loader import get_template
call_command("check", fail_level="ERROR")
call_command("makemigrations", "backups", check_changes=True, dry_run=True, verbosity=0)
if settings.TEMPLATES:
    get_template("backups/autobackup_failure.txt")
print(backups.__file__, settings.MIDDLEWARE[0])
"""

MINUTE = datetime.timedelta(minutes=1)
pytestmark = pytest.mark.live


def schema(project: Project) -> dict[str, list[str]]:
    """Return the tables and the migrations of each database of the project."""
    found = {}
    for path in project.folder.glob("*.sqlite3"):
        with closing(sqlite3.connect(path)) as database:
            rows = database.execute(
                "SELECT name FROM sqlite_master"
                " UNION SELECT app || '.' || name FROM django_migrations ORDER BY 1"
            ).fetchall()
        found[path.name] = [name for (name,) in rows]
    return found


def keys(project: Project) -> list[str]:
    return [item["key"] for item in project.api("GET", "backups").json]


def test_the_wheel_is_whole_and_the_checks_find_no_error(project):
    code, gate = project.script(LOOK).split()[-2:]
    assert code.startswith(str(project.python.parents[1]))
    assert gate == "backups.middleware.GateMiddleware"


def test_a_superuser_logs_in_and_is_known(project):
    record = project.log_in().json["record"]
    assert EMAIL in (record["email"], record["username"])
    again = project.api("POST", "collections/_superusers/auth-refresh")
    assert again.json["record"]["id"] == record["id"]


def test_a_wrong_password_is_refused(project):
    answer = project.log_in(password="wrong")
    assert (answer.status, answer.message) == (400, "Failed to authenticate.")


def test_no_setting_of_the_site_changes_an_answer(project):
    guest = project.api("GET", "backups", token="")
    assert (guest.status, guest.headers["Content-Type"]) == (401, "application/json")
    for _ in range(3):
        lost = project.api("GET", "nothing/here", token="")
        assert (lost.status, lost.message) == (
            404,
            "The requested resource wasn't found.",
        )
    healthy = project.api("GET", "health?fields=code", token="")
    assert healthy.json == {"code": 200}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_sloppy_path_is_redirected(project, method):
    answer = project.api(method, "/backups", token="")
    clean = f"{project.shape.public}{project.shape.api}backups"
    assert (answer.status, answer.headers["Location"]) == (307, clean)


def test_a_backup_is_made_fetched_restored_and_deleted(project):
    project.content = "before"
    content, tables = project.content, schema(project)
    make_backup(project, "first.zip")
    assert_archive(project, "first.zip")
    project.content = "after"
    assert project.content != content
    answer = project.api("POST", "backups/first.zip/restore")
    assert answer.status == 204, answer
    project.wait_until_idle()
    assert project.content == content
    assert schema(project) == tables
    assert_history(project, "restore", "first.zip")
    assert project.api("DELETE", "backups/first.zip").status == 204
    assert "first.zip" not in keys(project)


def make_backup(project: Project, key: str) -> None:
    """Do not wait for the answer, but look where it says."""
    wish = {"Prefer": "respond-async"}
    answer = project.api("POST", "backups", {"name": key}, **wish)
    assert answer.status == 202, answer
    outside = project.shape.public
    place = f"{outside}{project.shape.api}operations/{answer.json['id']}"
    assert answer.headers["Location"] == place
    project.wait_until_idle()
    found = project.api("GET", f"operations/{answer.json['id']}")
    assert found.json["state"] == "succeeded"


def assert_archive(project: Project, key: str) -> None:
    """Download it like a browser does, and look inside."""
    assert key in keys(project)
    token = project.api("POST", "files/token").json["token"]
    answer = project.api("GET", f"backups/{key}?token={token}", token="")
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
    assert "databases/default.sqlite3" in names
    has_media = any(name.startswith("media/covers/") for name in names)
    assert has_media == project.shape.has_media


def assert_history(project: Project, kind: str, key: str) -> None:
    """It succeeded, and just now, whatever the site's time zone."""
    history = project.api("GET", "operations").json
    newest = next(o for o in history if (o["kind"], o["key"]) == (kind, key))
    assert (newest["state"], newest["error"]) == ("succeeded", "")
    now = datetime.datetime.now(datetime.UTC)
    for text in (newest["started"], newest["finished"]):
        assert abs(now - datetime.datetime.fromisoformat(text)) < MINUTE


def test_a_slash_in_a_key_is_told_from_one_in_the_path(project):
    folder = project.store / "folder"
    folder.mkdir(parents=True)
    (folder / "inner.zip").write_bytes(b"PK\5\6" + bytes(18))
    token = project.api("POST", "files/token").json["token"]
    inside = project.api("GET", f"backups/folder%2Finner.zip?token={token}", token="")
    assert inside.status == 200
    if project.shape.server != "wsgiref":  # It does not tell the path as it came.
        across = project.api("GET", f"backups/folder/inner.zip?token={token}", token="")
        assert across.status == 404


def test_a_closed_site_says_so_in_the_form_of_each_path(project):
    project.close()
    try:
        answer = project.api("GET", "health", token="")
        assert (answer.status, answer.json["status"]) == (503, 503)
        page = project.request("GET", project.shape.page)
        assert (page.status, page.headers["Content-Type"][:9]) == (503, "text/html")
    finally:
        project.open()


def test_the_commands_work_beside_the_server(project):
    assert project.manage("backup_create", "typed.zip").strip() == "typed.zip"
    assert "typed.zip" in project.manage("backup_list")
    assert "typed.zip" in keys(project)
