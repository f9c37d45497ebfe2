"""POST /api/backups/{key}/restore (CONTRACT §1.6, §9.1.1)."""

import io
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder

from backups import operations
from backups.api.collections import SUPERUSERS, Account
from backups.api.tokens import AuthToken
from backups.archive import ArchiveReader, ArchiveWriter
from backups.models import Operation
from tests.site.models import Article

from .wire import BUSY, EMPTY, NO_TOKEN, NOT_SUPERUSER, answer, error

URL = "/api/backups/test1.zip/restore"
NO_RESTORE = "Missing or invalid backup file."
restores = pytest.mark.django_db(transaction=True, databases="__all__")


@pytest.mark.parametrize(
    ("caller", "status", "message"),
    [
        pytest.param("guest", 401, NO_TOKEN, id="unauthorized"),
        pytest.param("user", 403, NOT_SUPERUSER, id="regular user"),
    ],
)
def test_it_is_for_superusers_only(api, four, caller, status, message):
    assert answer(api.post(URL, caller=caller)) == error(status, message)
    assert not Operation.objects.exists()


@pytest.mark.parametrize(
    "segment", ["missing.zip", "%2e%2e", "..%2Fdb.sqlite3", "test1.zip%00", "upload"]
)
def test_a_missing_file_is_an_error(api, four, segment):
    response = api.post(f"/api/backups/{segment}/restore")
    assert answer(response) == error(400, NO_RESTORE)
    assert not Operation.objects.exists()


@pytest.mark.parametrize("key", ["", "other.zip"], ids=["empty name", "a name"])
@pytest.mark.parametrize("segment", ["test1.zip", "missing.zip"])
def test_it_refuses_during_an_operation(api, four, busy, key, segment):
    busy(key)
    response = api.post(f"/api/backups/{segment}/restore")
    assert answer(response) == error(400, BUSY)


def backup(key: str = "good.zip") -> Path:
    """Back the site up and return the archive's path."""
    operations.create_backup(operations.claim_create(key, actor="test"))
    return settings.DATA_DIR / "backups" / key


def titles(alias: str = "default") -> list[str]:
    return [article.title for article in Article.objects.using(alias).order_by("pk")]


@restores
def test_it_brings_rows_and_files_back(api, article):
    backup()
    Article.objects.update(title="changed")
    attached = Path(article.attachment.path)
    attached.write_text("changed")
    assert answer(api.post("/api/backups/good.zip/restore")) == EMPTY
    assert titles() == ["first"]
    assert attached.read_text() == "first"


@restores
@pytest.mark.parametrize("body", [b"", b"{broken", b"null"])
def test_it_ignores_the_body(api, body):
    backup()
    assert answer(api.post("/api/backups/good.zip/restore", body)) == EMPTY


@restores
@pytest.mark.parametrize(
    ("segment", "key"),
    [("%40up.zip", "@up.zip"), ("ünï.zip", "ünï.zip"), ("sub%2Fin.zip", "sub/in.zip")],
)
def test_it_restores_whatever_key_an_archive_has(api, store, segment, key):
    store.put(key, backup().read_bytes())
    assert answer(api.post(f"/api/backups/{segment}/restore")) == EMPTY


@restores
def test_tokens_live_on_if_their_account_was_saved(api):
    backup()
    User.objects.create_user("later", password="later")
    api.post("/api/backups/good.zip/restore")
    assert api.get("/api/backups").status_code == 200
    assert not User.objects.filter(username="later").exists()


@restores
def test_tokens_of_a_later_password_die(api, superuser):
    backup()
    superuser.set_password("later")
    superuser.save()
    api.tokens["superuser"] = str(AuthToken(Account(superuser, SUPERUSERS)))
    assert answer(api.post("/api/backups/good.zip/restore")) == EMPTY
    assert answer(api.get("/api/backups")) == error(401, NO_TOKEN)


@restores
def test_the_history_and_the_health_show_that_it_is_over(api):
    backup()
    api.post("/api/backups/good.zip/restore")
    newest = api.get("/api/operations").json()[0]
    assert (newest["kind"], newest["key"]) == ("restore", "good.zip")
    assert (newest["state"], newest["actor"]) == ("succeeded", "root")
    assert api.get("/api/health").json()["data"]["canBackup"] is True


@restores
def test_a_client_that_does_not_want_to_wait_gets_the_operation(api):
    backup()
    headers = {"Prefer": "respond-async"}
    response = api.post("/api/backups/good.zip/restore", headers=headers)
    assert response.status_code == 202
    assert api.get(response["Location"]).json()["state"] == "succeeded"


# Refused archives: each function makes one of a sound archive's path.


def rebuild(source: Path, edit: Callable[[Any], None], *, leave_out: str = "") -> bytes:
    """Return the archive with another manifest, and sound all the same."""
    folder = settings.DATA_DIR / "workspace" / "rebuilt"
    with ArchiveReader(source) as reader:
        names = [member.name for member in reader.members()]
        reader.extract(lambda name: folder / name)
        manifest = {k: v for k, v in reader.manifest.items() if k != "members"}
    del manifest["format"]
    edit(manifest)
    sink = io.BytesIO()
    with ArchiveWriter(sink) as writer:
        for name in names:
            if name != leave_out:
                writer.add_file(name, folder / name)
        writer.finish(manifest)
    return sink.getvalue()


def no_zip(source: Path) -> bytes:
    return b"This is no zip file."


def no_bytes(source: Path) -> bytes:
    return b""


def empty_zip(source: Path) -> bytes:
    return b"PK\x05\x06" + bytes(18)


def foreign_zip(source: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("data.db", "SQLite format 3")
    return buffer.getvalue()


def truncated(source: Path) -> bytes:
    content = source.read_bytes()
    return content[: len(content) // 2]


def extended(source: Path) -> bytes:
    return source.read_bytes() + b"\0"


def bit_flipped(source: Path) -> bytes:
    content = bytearray(source.read_bytes())
    content[1000] ^= 1
    return bytes(content)


def noise(source: Path) -> bytes:
    return b"PK\x03\x04" + random.Random(1).randbytes(10_000)


def other_engine(source: Path) -> bytes:
    def edit(manifest: Any) -> None:
        manifest["databases"]["default"]["vendor"] = "postgresql"

    return rebuild(source, edit)


def missing_database(source: Path) -> bytes:
    def edit(manifest: Any) -> None:
        del manifest["databases"]["second"]

    return rebuild(source, edit, leave_out="databases/second.sqlite3")


def extra_database(source: Path) -> bytes:
    def edit(manifest: Any) -> None:
        manifest["databases"]["third"] = manifest["databases"]["second"]

    return rebuild(source, edit)


def missing_member(source: Path) -> bytes:
    return rebuild(source, lambda manifest: None, leave_out="databases/second.sqlite3")


def no_media(source: Path) -> bytes:
    return rebuild(source, lambda manifest: manifest.update(media=None))


def other_rows(source: Path) -> bytes:
    def edit(manifest: Any) -> None:
        manifest["databases"]["default"]["tables"]["site_article"] += 1

    return rebuild(source, edit)


def no_databases(source: Path) -> bytes:
    return rebuild(source, lambda manifest: manifest.pop("databases"))


def newer_migrations(source: Path) -> bytes:
    recorder = MigrationRecorder(connections["default"])
    recorder.record_applied("site", "9999_of_newer_code")
    content = backup("newer.zip").read_bytes()
    recorder.record_unapplied("site", "9999_of_newer_code")
    return content


REFUSED = {
    no_zip: "The file is not a zip archive.",
    no_bytes: "The file is not a zip archive.",
    empty_zip: "This zip file was not made by this product",
    foreign_zip: "This zip file was not made by this product",
    truncated: "The end of the archive is damaged",
    extended: "The end of the archive is damaged",
    noise: "The end of the archive is damaged",
    bit_flipped: "“databases/default.sqlite3”",
    other_engine: "was saved from postgresql, but this site runs it on sqlite",
    newer_migrations: "newer code; these migrations are unknown here: site.9999_of",
    missing_database: "holds no copy of these databases: second.",
    extra_database: "holds databases that this site does not have: third.",
    missing_member: "“databases/second.sqlite3” is missing.",
    no_media: "The archive holds no media.",
    no_databases: "The manifest lists no databases.",
    other_rows: "The rows of the database “default” are not those",
}


def everything() -> Any:
    """Return what a restore would change, and where it would leave traces."""
    workspace = settings.DATA_DIR / "workspace"
    paths = [
        *Path(settings.MEDIA_ROOT).rglob("*"),
        *(workspace / "operations").rglob("*"),
        *workspace.glob("*.json"),
    ]
    files = {path: path.read_bytes() for path in paths if path.is_file()}
    return titles(), titles("second"), files


@restores
@pytest.mark.parametrize("make", REFUSED, ids=lambda make: make.__name__)
def test_it_refuses_what_it_cannot_restore_and_says_why(api, store, article, make):
    store.put("bad.zip", make(backup()))
    Article.objects.using("second").create(title="second")
    Article.objects.update(title="live")
    before = everything()
    response = api.post("/api/backups/bad.zip/restore")
    message = response.json()["message"]
    assert answer(response) == error(400, message)
    assert message.startswith(f"{NO_RESTORE} ")
    assert REFUSED[make] in message
    assert everything() == before


@restores
def test_a_refusal_is_on_record_and_leaves_the_site_idle(api, store):
    store.put("bad.zip", b"This is no zip file.")
    api.post("/api/backups/bad.zip/restore")
    operation = Operation.objects.get()
    assert (operation.key, operation.state) == ("bad.zip", "failed")
    assert operation.error == "The file is not a zip archive."
    assert operations.is_idle()
