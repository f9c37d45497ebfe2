"""``manage.py backup_undo``"""

import uuid
from typing import Any

from django.core.management.base import CommandParser

from backups import operations
from backups.management.base import (
    ACTOR,
    BackupCommand,
    add_no_input,
    local_time,
    progress_shown,
)


class Command(BackupCommand):
    help = (
        "Undo a restore: bring back the state that it replaced, from the safety copy"
        " that it made. This is a restore as well, and can be undone in turn."
    )
    examples = "manage.py backup_undo"
    has_json = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "id",
            nargs="?",
            type=uuid.UUID,
            help="Which restore, as the history names it; the last one without it.",
        )
        add_no_input(parser)

    def handle(self, *args: Any, **options: Any) -> str:
        undone = operations.find_undoable(options["id"])
        if options["interactive"]:
            self.confirm(
                "This replaces all present data of the site by what it was before the"
                f" restore of {undone.key}, {local_time(undone.started)}.",
                "undo",
            )
        claim = operations.claim_undo(undone.token, actor=ACTOR)
        with progress_shown(claim, options["verbosity"]):
            operations.restore_backup(claim)
        key = claim.operation.key
        return self.answer(
            options,
            {"id": claim.token, "key": key, "safety_key": claim.operation.safety_key},
            f"The restore was undone: the site is as {key} saved it.",
        )
