"""What a person at a terminal sees."""

import io

import pytest
from django.core.management import CommandError, call_command, get_commands

from backups import lease
from tests.engine import create
from tests.site.models import Article

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")

PUBLIC = ("backup_create", "backup_list", "backup_restore", "backup_recover")


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out, stderr=out)
    return out.getvalue().strip()


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
    assert said == "The site was restored from one.zip."
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
    import uuid

    assert lease.acquire(uuid.uuid4())
    with pytest.raises(CommandError, match="already running"):
        run("backup_create", "one.zip")


def test_recover_says_when_there_is_nothing_to_do():
    assert run("backup_recover") == "There was nothing to recover."


@pytest.mark.parametrize("name", PUBLIC)
def test_every_command_has_help_and_stands_in_the_docs(name):
    from pathlib import Path

    from django.core.management import load_command_class

    command = load_command_class(get_commands()[name], name)
    docs = Path(__file__).parents[3] / "docs" / "commands.md"
    assert command.help
    assert name in docs.read_text()
