"""What mutants have found, each as a case of its own."""

import json
import sqlite3
import struct
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from backups import operations
from backups.archive import ArchiveReader, ArchiveWriter
from backups.exceptions import BackupError, InvalidArchive
from backups.models import Operation
from tests.engine import create, upload
from tests.unit.archive.handmade import Bytes, Pipe

from .hostile_databases import MEMBERS, describe, run_scripts
from .hostile_parts import Crafted, change_member, content_of, entry, replace_content
from .hostile_trial import require_clean, require_fit_to_show

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


@pytest.fixture
def parts(article: Any, media: Path) -> Crafted:
    """An archive of the site, taken apart."""
    create("base.zip")
    return Crafted.take_apart((settings.DATA_DIR / "backups/base.zip").read_bytes())


def refusal(data: bytes) -> str:
    """Return why a restore is refused, once everything is settled again."""
    upload("mutant.zip", data)
    claim = operations.claim_restore("mutant.zip", actor="test", safety_copy=False)
    with pytest.raises(BackupError) as caught:
        operations.restore_backup(claim)
    text = str(caught.value)
    require_fit_to_show(text)
    require_clean()
    assert Operation.objects.get(token=claim.token).error == text
    return text


def changed_database(parts: Crafted, *scripts: str) -> bytes:
    """Run SQL in the archive's database and let everything else tell so."""
    item = parts.find(MEMBERS["default"])
    content = run_scripts(content_of(item), [*scripts])
    replace_content(item, content)
    told = parts.manifest["databases"]["default"]
    told.update(describe(content) or {}, size=len(content))
    return parts.build()


def raw_manifest(parts: Crafted, change: Callable[[dict[str, Any]], None]) -> bytes:
    def edit(text: bytes) -> bytes:
        document = json.loads(text)
        change(document)
        return json.dumps(document).encode()

    parts.edit_manifest = edit
    return parts.build()


@pytest.mark.parametrize("offset", [2**62, 2**63 - 1, 2**63, 2**64 - 1])
def test_an_offset_that_no_file_has_is_refused(parts, offset):
    def widen(raw: bytes) -> bytes:
        extra = struct.pack("<2HQ", 1, 8, offset)
        head = raw[:30] + struct.pack("<H", 12) + raw[32:42] + b"\xff" * 4
        return head + raw[46:] + extra

    parts.edit_manifest_central = widen
    assert "cut short" in refusal(parts.build())


@pytest.mark.parametrize(
    "name", ["media/" + "a" * 256, "media/" + ("a" * 200 + "/") * 20 + "x"]
)
def test_a_name_that_is_too_long_for_the_disk_is_refused(parts, name):
    change_member(parts.find("media/a/b/photo.jpg"), name=name)
    parts.sort()
    assert "does not take" in refusal(parts.build())


@pytest.mark.parametrize("depth", [256, 1500])
def test_a_name_in_too_many_folders_is_refused(parts, depth):
    change_member(parts.find("media/a/b/photo.jpg"), name="media/" + "a/" * depth + "x")
    parts.sort()
    assert "too many folders" in refusal(parts.build())


def test_a_second_file_among_the_databases_has_no_place(parts):
    parts.add(entry("databases/other.sqlite3"))
    assert "has no place" in refusal(parts.build())


@pytest.mark.parametrize("name", ["databases/\udcff", "media/.backups-\udcff\n/x"])
def test_a_refused_name_can_be_shown_and_stored(parts, name):
    parts.add(entry(name))
    assert "has no place" in refusal(parts.build())


@pytest.mark.parametrize("vendor", ["\ud800", "x" * 100_000, "a\nb", "", None, {}])
def test_an_engine_that_is_none_can_be_shown_and_stored(parts, vendor):
    parts.manifest["databases"]["default"]["vendor"] = vendor
    refusal(parts.build())


@pytest.mark.parametrize("size", [-1, 0, 10**6, True, 1e999, "1", 2**70, 1.5])
def test_a_size_that_is_not_the_databases_is_refused(parts, size):
    parts.manifest["databases"]["default"]["size"] = size
    refusal(parts.build())


@pytest.mark.parametrize("text", ["\ud800", float("nan"), float("inf")])
def test_a_manifest_that_could_not_be_shown_is_none_of_ours(parts, text):
    data = raw_manifest(parts, lambda document: document.update(created=text))
    with pytest.raises(InvalidArchive, match="no manifest of ours"):
        ArchiveReader(Bytes(data))


def test_a_writer_makes_no_manifest_that_a_reader_refuses():
    with ArchiveWriter(Pipe()) as writer, pytest.raises(UnicodeEncodeError):
        writer.finish({"site": "\udcff"})


def test_a_long_list_of_migrations_is_told_in_short(parts):
    told = parts.manifest["databases"]["default"]
    told["migrations"] += [["x" * 10_000, str(n)] for n in range(10)]
    assert "newer code" in refusal(parts.build())


@pytest.mark.parametrize(
    "script",
    [
        "ALTER TABLE django_migrations RENAME COLUMN app TO other",
        "INSERT INTO django_migrations (app, name, applied)"
        " VALUES ('x', CAST(x'ff' AS TEXT), '')",
        "CREATE TABLE child (a REFERENCES parent (b)); CREATE TABLE parent (b);"
        "INSERT INTO child VALUES (1)",
        "PRAGMA writable_schema=ON;"
        "UPDATE sqlite_master SET sql = 'x', name = CAST(x'ff' AS TEXT)"
        " WHERE name = 'site_article'",
        "DROP TABLE backups_operation; CREATE VIEW backups_operation AS SELECT 1",
        "ALTER TABLE django_migrations RENAME TO kept;"
        "CREATE VIEW django_migrations AS SELECT * FROM kept",
        "DROP INDEX backups_op_started; CREATE TABLE e (a);"
        "CREATE INDEX backups_op_started ON e (a)",
    ],
)
def test_a_database_that_sqlite_stumbles_over_is_refused(parts, script):
    text = refusal(changed_database(parts, script))
    assert "can't be used" in text or "is damaged" in text


@pytest.mark.parametrize(
    "action",
    [
        "SELECT RAISE(ABORT, 'no')",
        "DELETE FROM site_article",
        "INSERT INTO fat VALUES (zeroblob(9000000))",
    ],
)
@pytest.mark.parametrize("event", ["DELETE", "INSERT"])
def test_a_trigger_does_not_run_before_the_commit(parts, event, action):
    script = (
        "CREATE TABLE fat (a); CREATE TRIGGER t BEFORE"
        f" {event} ON django_migrations BEGIN {action}; END"
    )
    assert "can't be used" in refusal(changed_database(parts, script))


def test_a_trigger_on_the_sites_own_tables_is_restored(parts):
    script = (
        "CREATE TRIGGER own AFTER INSERT ON site_article"
        " BEGIN UPDATE site_article SET body = 'seen'; END"
    )
    upload("mutant.zip", changed_database(parts, script))
    operations.restore_backup(
        operations.claim_restore("mutant.zip", actor="test", safety_copy=False)
    )
    with closing(sqlite3.connect(settings.DATABASES["default"]["NAME"])) as database:
        found = database.execute("SELECT name FROM sqlite_master WHERE name = 'own'")
        assert found.fetchone()
        database.execute("DROP TRIGGER own")


def test_an_expression_cannot_ask_for_all_memory(parts):
    script = (
        "CREATE TABLE c (a CHECK (length(hex(zeroblob(60000000))) > 1));"
        "PRAGMA ignore_check_constraints=1; INSERT INTO c VALUES (1)"
    )
    assert "too big" in refusal(changed_database(parts, script))


def test_damage_is_told_in_one_line(parts):
    item = parts.find(MEMBERS["default"])
    bent = bytearray(content_of(item))
    bent[36:40] = b"\0\0\0\7"  # As many free pages as there are not.
    replace_content(item, bytes(bent))
    assert "freelist" in refusal(parts.build())
