"""``manage.py backup_restore``"""

import dataclasses
from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandParser

from backups import operations
from backups.management.base import (
    ACTOR,
    BackupCommand,
    add_no_input,
    human_size,
    progress_shown,
)


class Command(BackupCommand):
    help = (
        "Replace every database and the media by those of a backup. The site is"
        " closed for the last moment only, and either all of it is restored or"
        " nothing is changed."
    )
    examples = (
        "manage.py backup_restore nightly.zip\n"
        "manage.py backup_restore nightly.zip --dry-run\n"
        "manage.py backup_restore nightly.zip --no-input"
    )
    has_json = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="Name of the archive, see backup_list.")
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="Change nothing; tell what a restore would change.",
        )
        parser.add_argument(
            "--no-safety-copy",
            action="store_true",
            help="Do not save the present state first: it can't be undone then.",
        )
        add_no_input(parser)

    def handle(self, *args: Any, **options: Any) -> str:
        name = options["name"]
        operations.find_backup(name)
        if options["dry_run"]:
            preview = operations.preview_restore(name)
            text = "\n".join(describe(preview))
            return self.answer(options, dataclasses.asdict(preview), text)
        if options["interactive"]:
            self.confirm(
                "This replaces all present data of the site by what it was when"
                f" “{name}” was made.",
                name,
            )
        claim = operations.claim_restore(
            name, actor=ACTOR, safety_copy=False if options["no_safety_copy"] else None
        )
        with progress_shown(claim, options["verbosity"]):
            operations.restore_backup(claim)
        safety_key = claim.operation.safety_key
        undo = " backup_undo brings back what it replaced." if safety_key else ""
        return self.answer(
            options,
            {"id": claim.token, "key": name, "safety_key": safety_key},
            f"The site was restored from {name}.{undo}",
        )


def describe(preview: operations.Preview) -> Iterator[str]:
    """Yield the lines that tell what a restore would change."""
    yield f"{preview.key}, made {preview.created}"
    if preview.refusal:
        yield f"It can't be restored here: {preview.refusal}"
    for database in preview.databases:
        changed = [t for t in database.tables if t.now != t.then]
        same = len(database.tables) - len(changed)
        yield f"Database “{database.alias}”: {same} tables with as many rows as now"
        for table in changed:
            yield f"  {table.name}: {rows(table.now)} now, {rows(table.then)} then"
        for migration in database.to_migrate:
            yield f"  will be migrated: {migration}"
    if media := preview.media:
        for kind in ("added", "changed", "removed", "unchanged"):
            files = getattr(media, kind)
            yield f"Media {kind}: {files.count} files, {human_size(files.bytes)}"
    if not preview.refusal:
        yield (
            f"It takes about {preview.seconds} s and {human_size(preview.bytes_needed)}"
            f" of disk space; {human_size(preview.bytes_free)} are free."
        )


def rows(count: int | None) -> str:
    return "no table" if count is None else f"{count} rows"
