"""Databases that are none, are damaged, or are made to do harm."""

import contextlib
import random
import sqlite3
import struct
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from backups.snapshots.sqlite import _migrations
from backups.snapshots.sqlite_tables import state_tables

from .hostile_parts import Crafted, content_of, replace_content

MEMBERS = {
    "default": "databases/default.sqlite3",
    "second": "databases/second.sqlite3",
}


def no_databases(rng: random.Random, content: bytes) -> bytes:
    if rng.random() < 0.02:  # To SQLite these are empty ones; migrating takes long.
        return rng.choice((b"", b"SQLite format 3\0"))
    choices: tuple[bytes, ...] = (
        b"\0",
        b"not a database\n",
        b"SQLite format 3\0" + b"\0" * 84,
        b"SQLite format 3\0" + rng.randbytes(4080),
        rng.randbytes(8192),
        b"\0" * 65536,
        content[:100],
        content[1:],
        b"PGDMP" + content[5:],
        bytes(len(content)),
    )
    return rng.choice(choices)


HEADER_FIELDS = (
    (16, ">H", (0, 1, 512, 513, 1024, 32768, 65535)),
    (18, ">B", (0, 1, 2, 3, 255)),
    (19, ">B", (0, 1, 2, 3, 255)),
    (20, ">B", (1, 32, 255)),
    (21, ">B", (0, 63, 65)),
    (24, ">I", (0, 1, 0xFFFFFFFF)),
    (28, ">I", (0, 1, 2, 0x7FFFFFFF, 0xFFFFFFFF)),
    (32, ">I", (1, 2, 0xFFFFFFFF)),
    (36, ">I", (1, 0xFFFFFFFF)),
    (40, ">I", (0, 0xFFFFFFFF)),
    (44, ">I", (0, 1, 4, 5, 255)),
    (52, ">I", (1, 2, 0xFFFFFFFF)),
    (56, ">I", (0, 1, 2, 3, 4, 255)),
    (64, ">I", (1,)),
    (96, ">I", (0, 0xFFFFFFFF)),
)


def bent_headers(rng: random.Random, content: bytes) -> bytes:
    """Page sizes, WAL mode, text encodings, sizes and freelists that lie."""
    bent = bytearray(content)
    for _ in range(rng.choice((1, 1, 2))):
        start, form, values = rng.choice(HEADER_FIELDS)
        struct.pack_into(form, bent, start, rng.choice(values))
    if rng.random() < 0.1:
        bent[:100] = rng.randbytes(100)  # As an encrypted one begins.
    elif rng.random() < 0.2:
        bent[18:20] = b"\2\2"
    return bytes(bent)


def damaged_pages(rng: random.Random, content: bytes) -> bytes:
    bent, size = bytearray(content), 4096
    kind, page = rng.randrange(6), rng.randrange(len(content) // size) * size
    if kind == 0:
        for _ in range(rng.choice((1, 5, 100))):
            bent[rng.randrange(len(bent))] ^= 1 << rng.randrange(8)
    elif kind == 1:
        bent[page : page + size] = bytes(size)
    elif kind == 2:
        bent[page : page + size] = rng.randbytes(size)
    elif kind == 3:
        other = rng.randrange(len(content) // size) * size
        bent[page : page + size] = content[other : other + size]
    elif kind == 4:
        del bent[rng.choice((page, rng.randrange(len(bent)))) :]
    else:
        # The b-tree header of a page: kind, cells, where the content starts.
        at = page + (100 if page == 0 else 0) + rng.randrange(12)
        bent[at] = rng.choice((0, 1, 2, 5, 10, 13, 255))
    return bytes(bent)


ENDLESS = "WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM c)"

SCRIPTS = (
    "DROP TABLE site_article",
    "DROP TABLE django_migrations",
    "DROP TABLE IF EXISTS backups_operation",
    "DROP TABLE IF EXISTS backups_lease",
    "DELETE FROM django_migrations",
    "DELETE FROM site_article",
    "CREATE TABLE extra (a, b); INSERT INTO extra VALUES (1, zeroblob(10000))",
    'CREATE TABLE "od\'d ""name" (a); CREATE TABLE \'x\ny\' (a)',
    "CREATE VIEW spy AS SELECT * FROM auth_user",
    f"CREATE VIEW endless AS {ENDLESS} SELECT x FROM c",
    "ALTER TABLE site_article RENAME TO kept;"
    "CREATE VIEW site_article AS SELECT * FROM kept",
    "ALTER TABLE django_migrations RENAME TO kept;"
    "CREATE VIEW django_migrations AS SELECT * FROM kept",
    "ALTER TABLE django_migrations RENAME TO kept;"
    "CREATE VIEW django_migrations AS SELECT * FROM kept;"
    "CREATE TRIGGER t INSTEAD OF DELETE ON django_migrations"
    " BEGIN DELETE FROM kept; END",
    "ALTER TABLE django_migrations RENAME COLUMN app TO other",
    "ALTER TABLE django_migrations DROP COLUMN applied",
    "DROP TABLE django_migrations; CREATE TABLE django_migrations (a)",
    "INSERT INTO django_migrations (app, name, applied) VALUES ('', 'x', '')",
    "INSERT INTO django_migrations (app, name, applied)"
    " VALUES ('x', CAST(x'ff' AS TEXT), '')",
    "INSERT INTO django_migrations (app, name, applied) VALUES ('x', x'ff', '')",
    "INSERT INTO django_migrations (app, name, applied) VALUES (1, 2.5, '')",
    "UPDATE site_article SET title = CAST(x'ff00fe' AS TEXT)",
    "DROP TABLE IF EXISTS backups_operation;CREATE VIEW backups_operation AS SELECT 1",
    "DROP TABLE IF EXISTS backups_lease; CREATE VIEW backups_lease AS SELECT 1;"
    "CREATE TRIGGER t INSTEAD OF INSERT ON backups_lease BEGIN SELECT 1; END",
    "DROP TABLE IF EXISTS backups_operation; CREATE TABLE backups_operation (a)",
    "CREATE TABLE elsewhere (a); DROP INDEX IF EXISTS backups_op_started;"
    "CREATE INDEX backups_op_started ON elsewhere (a)",
    "CREATE TRIGGER t BEFORE DELETE ON django_migrations"
    " BEGIN SELECT RAISE(ABORT, 'no'); END",
    "CREATE TRIGGER t AFTER DELETE ON django_migrations"
    " BEGIN DELETE FROM site_article; END",
    "CREATE TABLE fat (a); CREATE TRIGGER t AFTER DELETE ON django_migrations"
    " BEGIN INSERT INTO fat VALUES (zeroblob(80000000)); END",
    "CREATE TABLE fat (a); CREATE TRIGGER t AFTER INSERT ON django_migrations"
    " BEGIN INSERT INTO fat VALUES (randomblob(80000000)); END",
    "CREATE TRIGGER t AFTER INSERT ON site_article BEGIN DELETE FROM auth_user; END",
    "CREATE VIRTUAL TABLE words USING fts5(a); INSERT INTO words VALUES ('hello')",
    "CREATE VIRTUAL TABLE boxes USING rtree(id, a, b)",
    "CREATE TABLE child (a REFERENCES parent (b)); CREATE TABLE parent (b);"
    "INSERT INTO child VALUES (1)",
    "CREATE TABLE child (a REFERENCES nobody (b)); INSERT INTO child VALUES (1)",
    "CREATE TABLE c (a CHECK (a > 5)); PRAGMA ignore_check_constraints=1;"
    "INSERT INTO c VALUES (1)",
    "CREATE TABLE c (a CHECK (length(hex(zeroblob(60000000))) > 1));"
    "PRAGMA ignore_check_constraints=1; INSERT INTO c VALUES (1)",
    "CREATE TABLE c (a, b AS (zeroblob(90000000))); INSERT INTO c (a) VALUES (1)",
    "CREATE TABLE c (a, b AS (printf('%.*c', 20000000, 'x'))); INSERT INTO c VALUES (1)",
    "CREATE TABLE n (a PRIMARY KEY) WITHOUT ROWID; INSERT INTO n VALUES (1)",
    "CREATE TABLE s (a INT) STRICT; INSERT INTO s VALUES (1)",
    "PRAGMA user_version=99; PRAGMA application_id=7",
    "PRAGMA page_size=512; VACUUM",
    "PRAGMA page_size=65536; VACUUM",
    "PRAGMA auto_vacuum=FULL; VACUUM",
    "PRAGMA journal_mode=WAL",
    "DELETE FROM sqlite_sequence",
    "UPDATE sqlite_sequence SET seq = 9223372036854775807",
)
"""SQL that is run in a database of the archive."""

SCHEMAS = (
    "UPDATE sqlite_master SET sql = 'nonsense' WHERE name = 'site_article'",
    "UPDATE sqlite_master SET sql = NULL WHERE name = 'site_article'",
    "UPDATE sqlite_master SET sql = '' WHERE name = 'site_article'",
    "UPDATE sqlite_master SET sql = x'ff' WHERE name = 'site_article'",
    "UPDATE sqlite_master SET rootpage = 0 WHERE name = 'site_article'",
    "UPDATE sqlite_master SET rootpage = 1 WHERE name = 'site_article'",
    "UPDATE sqlite_master SET rootpage = 999999 WHERE name = 'site_article'",
    "UPDATE sqlite_master SET rootpage = -1 WHERE name = 'site_article'",
    "UPDATE sqlite_master SET rootpage = 'x' WHERE name = 'site_article'",
    "UPDATE sqlite_master SET name = 'sqlite_article', tbl_name = 'sqlite_article'"
    " WHERE name = 'site_article'",
    "UPDATE sqlite_master SET name = CAST(x'ff' AS TEXT), tbl_name = CAST(x'ff' AS TEXT)"
    " WHERE name = 'site_article'",
    "UPDATE sqlite_master SET name = NULL WHERE name = 'site_article'",
    "UPDATE sqlite_master SET name = x'6162' WHERE name = 'site_article'",
    "UPDATE sqlite_master SET type = 'index' WHERE name = 'site_article'",
    "UPDATE sqlite_master SET type = 'view' WHERE name = 'site_article'",
    "UPDATE sqlite_master SET type = 'nothing' WHERE name = 'site_article'",
    "UPDATE sqlite_master SET tbl_name = 'other' WHERE name = 'site_article'",
    "UPDATE sqlite_master SET sql = 'CREATE VIRTUAL TABLE site_article USING none(a)'"
    " WHERE name = 'site_article'",
    "UPDATE sqlite_master SET sql = 'CREATE  VIRTUAL TABLE site_article USING none(a)',"
    " rootpage = 0 WHERE name = 'site_article'",
    "UPDATE sqlite_master SET sql = 'CREATE VIEW site_article AS SELECT 1'"
    " WHERE name = 'site_article'",
    "INSERT INTO sqlite_master SELECT * FROM sqlite_master WHERE name = 'site_article'",
    "INSERT INTO sqlite_master VALUES ('table', 'x', 'x', 0,"
    " 'CREATE TABLE x AS SELECT 1')",
    "INSERT INTO sqlite_master VALUES ('trigger', 't', 'django_migrations', 0,"
    " 'CREATE TRIGGER t DELETE ON django_migrations BEGIN DELETE FROM live.auth_user;"
    " END')",
    "INSERT INTO sqlite_master VALUES ('view', 'v', 'v', 0, 'CREATE VIEW v AS"
    " SELECT load_extension(''/tmp/x.so'')')",
    "INSERT INTO sqlite_master VALUES ('table', 'd', 'd', 0,"
    " 'CREATE VIRTUAL TABLE d USING sqlite_dbpage')",
    "INSERT INTO sqlite_master VALUES ('index', 'i', 'site_article', 2,"
    " 'CREATE INDEX i ON site_article (title COLLATE nobody)')",
    "INSERT INTO sqlite_master VALUES ('table', 'sqlite_stat1', 'sqlite_stat1', 0,"
    " 'CREATE TABLE sqlite_stat1(tbl,idx,stat)')",
    "DELETE FROM sqlite_master",
    "DELETE FROM sqlite_master WHERE type = 'index'",
    "UPDATE sqlite_master SET sql = replace(sql, 'NOT NULL', '')",
    "UPDATE sqlite_master SET sql = sql || ' -- ' || hex(zeroblob(20000))",
)
"""What only writable_schema makes of a database."""


def other_databases(rng: random.Random, content: bytes) -> bytes:
    return run_scripts(content, [rng.choice(SCRIPTS)])


def bent_schemas(rng: random.Random, content: bytes) -> bytes:
    return run_scripts(content, ["PRAGMA writable_schema=ON", rng.choice(SCHEMAS)])


UNREADABLE = (sqlite3.Error, UnicodeDecodeError)
"""Python raises the second one where SQLite's message quotes bytes."""


def run_scripts(content: bytes, scripts: list[str]) -> bytes:
    """Return the database after the scripts; what fails of them is left out."""
    with opened(content) as (database, path):
        for script in scripts:
            with contextlib.suppress(*UNREADABLE):
                database.executescript(script)
        database.close()
        return path.read_bytes()


@contextlib.contextmanager
def opened(content: bytes) -> Iterator[tuple[sqlite3.Connection, Path]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        path.write_bytes(content)
        database = sqlite3.connect(path, isolation_level=None)
        with contextlib.suppress(*UNREADABLE):  # It need not be a database.
            database.execute("PRAGMA synchronous=OFF")
        try:
            yield database, path
        finally:
            database.close()


def describe(content: bytes) -> dict[str, Any] | None:
    """Return what a manifest has to say of a database, if it can be read."""
    with opened(content) as (database, _):
        try:
            names = ordinary_tables(database)
            counts = {
                name: database.execute(
                    f"SELECT count(*) FROM {quote(name)}"
                ).fetchone()[0]
                for name in names
                if name not in state_tables()
            }
            migrations = [list(m) for m in _migrations(database)]
        except (*UNREADABLE, TypeError):
            return None
    texts = all(isinstance(text, str) for m in migrations for text in m)
    return {"tables": counts, "migrations": migrations} if texts else None


def ordinary_tables(database: sqlite3.Connection) -> list[str]:
    rows = database.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        " AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name"
    )
    return [name for (name,) in rows]


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def mutate_database(
    change: Callable[[random.Random, bytes], bytes],
) -> Callable[[random.Random, Crafted], bytes]:
    """Replace a database, with every digest to match; mostly the manifest too."""

    def mutate(rng: random.Random, parts: Crafted) -> bytes:
        alias = rng.choice(("default", "default", "second"))
        item = parts.find(MEMBERS[alias])
        content = change(rng, content_of(item))
        replace_content(item, content)
        tell_truth(rng, parts.manifest["databases"][alias], content)
        return parts.build()

    return mutate


def tell_truth(rng: random.Random, entry: dict[str, Any], content: bytes) -> None:
    entry["size"] = len(content)
    if rng.random() < 0.85 and (truth := describe(content)):
        entry.update(truth)


def swapped(rng: random.Random, parts: Crafted) -> bytes:
    """One database in the place of the other, or a member that is missing."""
    one, two = (parts.find(name) for name in MEMBERS.values())
    kind = rng.randrange(3)
    if kind == 0:
        contents = content_of(two), content_of(one)
        for item, content in zip((one, two), contents, strict=True):
            replace_content(item, content)
    elif kind == 1:
        replace_content(one, content_of(two))
    else:
        parts.entries.remove(rng.choice((one, two)))
    if rng.random() < 0.5:
        for alias, item in zip(MEMBERS, (one, two), strict=True):
            truth = describe(content_of(item)) or {}
            parts.manifest["databases"][alias].update(truth)
    return parts.build()


DATABASES = {
    "no databases": mutate_database(no_databases),
    "database headers": mutate_database(bent_headers),
    "database pages": mutate_database(damaged_pages),
    "database content": mutate_database(other_databases),
    "database schemas": mutate_database(bent_schemas),
    "databases swapped": swapped,
}
