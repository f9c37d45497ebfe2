"""``manage.py backup_prune``"""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from backups import operations
from backups.management.base import ACTOR, USAGE, BackupCommand
from backups.site_settings import Stored


class Command(BackupCommand):
    help = (
        "Delete automatic backups beyond the newest backups.cronMaxKeep, and the"
        " copies that restores have made, once these can't be undone any more. The"
        " schedule does so after each new backup. Backups made by hand or uploaded are"
        " never touched."
    )
    examples = "manage.py backup_prune --dry-run\nmanage.py backup_prune --keep 7"
    has_json = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--keep",
            type=int,
            help="How many automatic backups to keep instead; 0 keeps all of them.",
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="Delete nothing; print what would happen to each backup, and why.",
        )

    def handle(self, *args: Any, **options: Any) -> str:
        keep = Stored.load().max_keep if options["keep"] is None else options["keep"]
        if keep < 0:
            raise CommandError("--keep can't be negative.", returncode=USAGE)
        plan = operations.plan_pruning(keep)
        if options["dry_run"]:
            return self.explain(plan, options)
        doomed = [verdict.backup.key for verdict in plan if not verdict.is_kept]
        failures = operations.prune_backups(plan, actor=ACTOR)
        if failures:
            raise CommandError("\n".join(map(str, failures)))
        text = "\n".join(f"Deleted {key}." for key in doomed) or "Nothing to delete."
        return self.answer(options, {"deleted": doomed}, text)

    def explain(self, plan: list[operations.Verdict], options: dict[str, Any]) -> str:
        rows = [
            {"key": v.backup.key, "kept": v.is_kept, "reason": v.reason} for v in plan
        ]
        lines = (
            f"{'keep  ' if v.is_kept else 'delete'}  {v.backup.key}  {v.reason}"
            for v in plan
        )
        return self.answer(
            options, rows, "\n".join(lines) or "There are no backups yet."
        )
