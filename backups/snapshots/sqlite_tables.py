"""The tables of an SQLite database, and this app's own among them."""

import sqlite3
import uuid

from django.utils import timezone

from backups.exceptions import OperationFailed
from backups.models import STATE_MODELS, Operation
from backups.texts import gettext_noop as _


def deny_triggers(*details: str | int | None) -> int:
    """Deny what a trigger or view, named last, wants to do."""
    return sqlite3.SQLITE_DENY if details[-1] else sqlite3.SQLITE_OK


def quote_name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def list_tables(database: sqlite3.Connection) -> list[str]:
    """Return the ordinary tables, sorted; virtual ones have shadow tables here."""
    rows = database.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table'"
        " AND name NOT LIKE 'sqlite!_%' ESCAPE '!'"
        " AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name"
    )
    return [name for (name,) in rows]


def state_tables() -> list[str]:
    return [model._meta.db_table for model in STATE_MODELS]


def carry_table(database: sqlite3.Connection, table: str) -> None:
    database.execute(f"DROP TABLE IF EXISTS main.{quote_name(table)}")
    statements = database.execute(
        "SELECT sql FROM live.sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL"
        " ORDER BY type = 'table' DESC",
        [table],
    ).fetchall()
    for (statement,) in statements:
        database.execute(statement)
    database.execute(
        f"INSERT INTO main.{quote_name(table)} SELECT * FROM live.{quote_name(table)}"
    )


def carry_migrations(database: sqlite3.Connection) -> None:
    """Give the copy the live record of this app's migrations.

    Its tables come from the live side, so their history has to as well.
    """
    app = Operation._meta.app_label
    database.execute("DELETE FROM main.django_migrations WHERE app = ?", [app])
    database.execute(
        "INSERT INTO main.django_migrations (app, name, applied)"
        " SELECT app, name, applied FROM live.django_migrations WHERE app = ?",
        [app],
    )


def mark_succeeded(database: sqlite3.Connection, token: uuid.UUID) -> None:
    now = timezone.now().replace(tzinfo=None)
    marked = database.execute(
        f"UPDATE main.{quote_name(Operation._meta.db_table)}"
        " SET state = ?, phase = '', finished = ? WHERE token = ?",
        [Operation.State.SUCCEEDED.value, now.isoformat(" "), token.hex],
    )
    if marked.rowcount != 1:
        raise OperationFailed(_("The history of the restore is gone, so it stopped."))
