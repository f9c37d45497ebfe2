"""What a person at a terminal sees."""

import io
import json
import uuid
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import (
    CommandError,
    call_command,
    get_commands,
    load_command_class,
)
from django.db import connection
from django.utils import timezone

from backups import lease, operations, site_settings
from backups.models import Operation, SiteSettings
from backups.site_settings import Stored
from tests.engine import create, keys
from tests.site.models import Article

EMPTY_ZIP = b"PK\x05\x06" + bytes(18)

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")

INTERNAL = {"backup_run", "backup_migrate"}
PUBLIC = sorted(
    name
    for name, app in get_commands().items()
    if app == "backups" and name not in INTERNAL
)


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, "--verbosity=0", stdout=out, stderr=out)
    return out.getvalue().strip()


def status_of(*arguments: str) -> int:
    """Return the exit status of a command that fails."""
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    return caught.value.returncode


def test_create_prints_the_name_and_list_shows_it(media):
    assert run("backup_create", "one.zip") == "one.zip"
    assert run("backup_list").endswith("one.zip")


def test_list_says_so_when_there_is_nothing():
    assert run("backup_list") == "There are no backups yet."


def test_a_generated_name_holds_the_site_and_the_time(media):
    assert run("backup_create").startswith("pb_backup_test_site_20")


@pytest.mark.parametrize("name", ["Upper.zip", "no-ending", "../x.zip", "a b.zip"])
def test_create_refuses_a_bad_name_in_a_sentence(name):
    with pytest.raises(CommandError, match="is no valid name"):
        run("backup_create", name)


def test_create_refuses_a_taken_name(media):
    run("backup_create", "one.zip")
    with pytest.raises(CommandError, match="already exists"):
        run("backup_create", "one.zip")


def test_restore_without_questions_restores(article, media):
    create("one.zip")
    Article.objects.all().delete()
    said = run("backup_restore", "one.zip", "--no-input")
    assert said.startswith("The site was restored from one.zip.")
    assert Article.objects.get().title == "first"


def test_restore_asks_for_the_name_and_stops_at_another(article, media, monkeypatch):
    create("one.zip")
    Article.objects.all().delete()
    monkeypatch.setattr("builtins.input", lambda prompt: "two.zip")
    with pytest.raises(CommandError, match="nothing was changed"):
        run("backup_restore", "one.zip")
    assert not Article.objects.exists()


def test_restore_of_what_is_not_there_is_refused():
    with pytest.raises(CommandError, match="no backup named"):
        run("backup_restore", "missing.zip", "--no-input")


def test_commands_obey_the_lock(media):
    assert lease.acquire(uuid.uuid4())
    with pytest.raises(CommandError, match="already running"):
        run("backup_create", "one.zip")


def test_recover_says_when_there_is_nothing_to_do():
    assert run("backup_recover") == "There was nothing to recover."


# Archives ---------------------------------------------------------------------


def test_create_and_list_speak_json(media):
    made = json.loads(run("backup_create", "one.zip", "--json"))
    (listed,) = json.loads(run("backup_list", "--json"))
    assert made["key"] == listed["key"] == "one.zip"
    assert made["size"] == listed["size"] > 0
    assert uuid.UUID(made["id"])
    assert datetime.fromisoformat(listed["modified"]).tzinfo


def test_download_copies_to_a_folder_or_a_file(media, tmp_path, monkeypatch):
    create("one.zip")
    stored = (settings.DATA_DIR / "backups" / "one.zip").read_bytes()
    run("backup_download", "one.zip", str(tmp_path))
    run("backup_download", "one.zip", str(tmp_path / "other.zip"))
    monkeypatch.chdir(tmp_path / "..")
    assert (tmp_path / "one.zip").read_bytes() == stored
    assert (tmp_path / "other.zip").read_bytes() == stored
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.zip", "other.zip"]


def test_download_replaces_a_file_only_if_told_to(media, tmp_path):
    create("one.zip")
    target = tmp_path / "one.zip"
    target.write_text("mine")
    with pytest.raises(CommandError, match="use --force"):
        run("backup_download", "one.zip", str(tmp_path))
    assert target.read_text() == "mine"
    run("backup_download", "one.zip", str(tmp_path), "--force")
    assert target.read_bytes().startswith(b"PK")


def test_download_to_a_folder_that_is_not_there_is_a_sentence(media, tmp_path):
    create("one.zip")
    with pytest.raises(CommandError, match="No such file or directory"):
        run("backup_download", "one.zip", str(tmp_path / "no" / "x.zip"))


def test_upload_stores_a_file_under_its_own_or_another_name(tmp_path):
    (tmp_path / "mine.zip").write_bytes(EMPTY_ZIP)
    assert run("backup_upload", str(tmp_path / "mine.zip")) == "mine.zip"
    run("backup_upload", str(tmp_path / "mine.zip"), "--name", "other.zip")
    assert keys() == ["mine.zip", "other.zip"]


def test_upload_refuses_what_is_no_zip_or_not_there(tmp_path):
    (tmp_path / "text.zip").write_text("text")
    assert status_of("backup_upload", str(tmp_path / "text.zip")) == 5
    assert status_of("backup_upload", str(tmp_path / "none.zip")) == 1
    assert status_of("backup_upload", "-") == 2
    assert keys() == []


def test_verify_proves_a_backup(article, media):
    create("one.zip")
    assert "is sound" in run("backup_verify", "one.zip")
    assert json.loads(run("backup_verify", "one.zip", "--json"))["verified"] is True


def test_verify_refuses_a_damaged_backup(article, media):
    create("one.zip")
    path = settings.DATA_DIR / "backups" / "one.zip"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert status_of("backup_verify", "one.zip") == 5


def test_delete_deletes_all_of_a_list_or_none(media):
    for key in ("one.zip", "two.zip", "three.zip"):
        create(key)
    names = ("backup_delete", "--no-input", "one.zip")
    assert status_of(*names, "missing.zip") == 3
    assert len(keys()) == 3
    run(*names, "two.zip")
    assert keys() == ["three.zip"]


def test_delete_asks_for_the_name(media, monkeypatch):
    create("one.zip")
    monkeypatch.setattr("builtins.input", lambda prompt: "yes")
    with pytest.raises(CommandError, match="nothing was changed"):
        run("backup_delete", "one.zip")
    monkeypatch.setattr("builtins.input", lambda prompt: "one.zip")
    run("backup_delete", "one.zip")
    assert keys() == []


def test_delete_asks_for_all_names_before_it_deletes_one(media, monkeypatch):
    create("one.zip")
    create("two.zip")
    monkeypatch.setattr("builtins.input", lambda prompt: "one.zip")
    with pytest.raises(CommandError, match="nothing was changed"):
        run("backup_delete", "one.zip", "two.zip")
    assert len(keys()) == 2


def test_undo_names_the_restore_that_it_undoes(media, monkeypatch):
    create("one.zip")
    with pytest.raises(CommandError, match="no such restore"):
        run("backup_undo")
    run("backup_restore", "one.zip", "--no-input")
    out = io.StringIO()
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(CommandError, match="Nobody there"):
        call_command("backup_undo", stdout=out)
    assert "before the restore of one.zip, 20" in out.getvalue()


def test_run_due_says_why_it_does_nothing(media):
    assert "no schedule" in call_command("backup_run_due")
    site_settings.change({"backups": {"cron": "* * * * *"}})
    assert call_command("backup_run_due") == "Nothing is due."
    SiteSettings.objects.update(slot=Stored.load().slot - 2)
    lease.acquire(uuid.uuid4())
    assert call_command("backup_run_due") == "It waits for another operation."


def test_a_site_that_is_not_migrated_says_what_to_run(db):
    with connection.schema_editor() as editor:
        editor.delete_model(SiteSettings)
    try:
        with pytest.raises(CommandError, match=r"no such table.*manage\.py migrate"):
            run("backup_settings")
    finally:
        with connection.schema_editor() as editor:
            editor.create_model(SiteSettings)


def test_statuses_tell_scripts_what_happened(media):
    create("one.zip")
    assert status_of("backup_restore", "missing.zip", "--no-input") == 3
    assert status_of("backup_download", "missing.zip") == 3
    assert status_of("backup_create", "Bad Name") == 2
    assert status_of("backup_create", "one.zip") == 1
    assert lease.acquire(uuid.uuid4())
    for command in ("backup_create", "backup_verify", "backup_restore"):
        more = ["--no-input"] if command == "backup_restore" else []
        name = "two.zip" if command == "backup_create" else "one.zip"
        assert status_of(command, name, *more) == 4


# The schedule -----------------------------------------------------------------


def test_prune_explains_and_then_deletes(media):
    made = [run_automatic() for _ in range(3)]
    dry = run("backup_prune", "--dry-run", "--keep", "1")
    assert [line[:6] for line in dry.splitlines()] == ["keep  ", "delete", "delete"]
    assert "It is one of the newest 1." in dry
    assert len(keys()) == 3
    gone = json.loads(run("backup_prune", "--keep", "1", "--json"))
    assert len(gone["deleted"]) == 2
    assert keys()[0] in made
    assert run("backup_prune", "--keep", "1") == "Nothing to delete."
    assert status_of("backup_prune", "--keep", "-1") == 2


def run_automatic() -> str:
    return operations.create_backup(operations.claim_automatic(actor="test"))


def test_status_fails_until_there_is_a_fresh_backup(media):
    with pytest.raises(CommandError, match="no good backup of the last 26 hours"):
        run("backup_status")
    create("one.zip")
    said = run("backup_status")
    assert "one.zip" in said
    assert "no schedule" in said
    state = json.loads(run("backup_status", "--json"))
    assert (state["fresh"], state["last"]["key"]) == (True, "one.zip")
    Operation.objects.update(started=timezone.now() - timedelta(hours=30))
    assert status_of("backup_status") == 1
    assert json.loads(run("backup_status", "--json", "--max-age", "31"))["fresh"]


def test_status_does_not_count_a_backup_that_is_gone_or_damaged(article, media):
    create("one.zip")
    (settings.DATA_DIR / "backups" / "one.zip").write_bytes(b"PK\3\4 damaged")
    assert status_of("backup_verify", "one.zip") == 5
    assert status_of("backup_status") == 1
    create("two.zip")
    (settings.DATA_DIR / "backups" / "two.zip").unlink()
    assert status_of("backup_status") == 1


def test_run_due_makes_the_backup_that_is_due_once(media):
    site_settings.change({"backups": {"cron": "* * * * *"}})
    assert run("backup_run_due") == ""
    SiteSettings.objects.update(slot=0)
    assert run("backup_run_due") == "The automatic backup was made."
    assert run("backup_run_due") == ""
    assert len(keys()) == 1


# Settings ---------------------------------------------------------------------


def test_settings_are_shown_and_changed(db):
    assert "backups.cronMaxKeep=3" in run("backup_settings").splitlines()
    said = run("backup_settings", "backups.cron=0 3 * * *", "backups.cronMaxKeep=7")
    assert "backups.cron=0 3 * * *" in said.splitlines()
    assert json.loads(run("backup_settings", "--json"))["backups"]["cronMaxKeep"] == 7


def test_settings_lets_superusers_in_again(db):
    run("backup_settings", 'superuserIPs=["192.0.2.7"]')
    assert Stored.load().superuser_ips == ["192.0.2.7"]
    run("backup_settings", "--reset", "superuserIPs")
    assert Stored.load().superuser_ips == []


@pytest.mark.parametrize(
    ("text", "status", "cause"),
    [
        ("backups.cron=x", 1, "backups.cron: Invalid cron expression"),
        ("backups.cronMaxKeep=x", 2, "no JSON value"),
        ('backups.cronMaxKeep="3"', 2, "wrong type"),
        ("nothing=1", 2, "changes no setting"),
        ("backups", 2, "changes no setting"),
        ("backups.cron.x=1", 2, "changes no setting"),
        ("superuserIPs=192.0.2.7", 2, "write it like"),
        ("backups.s3.secret=hunter2", 2, "does not belong into the command line"),
    ],
)
def test_settings_refuses_nonsense_in_a_sentence(db, text, status, cause):
    with pytest.raises(CommandError, match=cause) as caught:
        run("backup_settings", text)
    assert caught.value.returncode == status
    assert not SiteSettings.objects.exclude(content={}).exists()


def test_settings_refuses_what_lies_below_a_value(db):
    with pytest.raises(CommandError, match="wrong type") as caught:
        run("backup_settings", "backups=1", "backups.cron=x")
    assert caught.value.returncode == 2
    run("backup_settings", "backups=null")


def test_settings_reads_a_secret_from_the_standard_input(db, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("hunter2\n"))
    said = run(
        "backup_settings",
        "backups.s3.enabled=true",
        "backups.s3.bucket=b",
        "backups.s3.region=r",
        "backups.s3.endpoint=s3.example.com",
        "backups.s3.accessKey=k",
        "backups.s3.secret=-",
    )
    assert "hunter2" not in said
    assert Stored.load().s3().secret == "hunter2"


# Help -------------------------------------------------------------------------


@pytest.mark.parametrize("name", PUBLIC)
def test_every_command_has_help_with_examples_and_stands_in_the_docs(name):
    command = load_command_class("backups", name)
    docs = Path(__file__).parents[3] / "docs" / "commands.md"
    assert command.help
    shown = command.create_parser("manage.py", name).format_help()
    assert f"Examples:\n  {command.examples.splitlines()[0]}" in shown
    assert f"`manage.py {name}" in docs.read_text()


def test_the_commands_are_those_that_were_promised():
    words = (
        "create list download upload verify delete restore undo recover prune status"
    )
    wanted = {f"backup_{w}" for w in (*words.split(), "settings", "run_due")}
    assert {*PUBLIC} == wanted | {"backup_scheduler"}
