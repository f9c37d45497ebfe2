"""Thin out the automatic backups, so that the store does not grow for ever."""

import dataclasses

from backups.exceptions import BackupError
from backups.names import is_automatic
from backups.texts import Text
from backups.texts import gettext_noop as _

from .delete import delete_backup
from .overview import BackupInfo, Origin, describe_backups


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What a pruning does with one backup, and why in one sentence."""

    backup: BackupInfo
    is_kept: bool
    reason: str


def plan_pruning(keep: int, *, new: str = "") -> list[Verdict]:
    """Say of every stored backup, newest first, whether a pruning keeps it.

    Of the automatic backups of this site the newest *keep* stay, and the newest
    of which nothing bad is known; 0 keeps all. *new* is the key of one that is
    stored, but whose making is not in the history yet. Raises StoreFailed.
    """
    found = describe_backups()
    ours = [i for i in found if i.origin is Origin.AUTOMATIC or i.key == new]
    good = next((info.key for info in ours if not info.flaw), None)
    ranks = {info.key: rank for rank, info in enumerate(ours, 1)}
    return [
        judge_safety_copy(info)
        if info.origin is Origin.SAFETY
        else judge(info, ranks.get(info.key), keep, is_last_good=info.key == good)
        for info in found
    ]


def judge_safety_copy(info: BackupInfo) -> Verdict:
    if until := info.protected_until:
        return Verdict(info, True, f"It can undo a restore until {until:%Y-%m-%d}.")
    return Verdict(info, False, "The time in which it could undo a restore is over.")


def judge(
    info: BackupInfo, rank: int | None, keep: int, *, is_last_good: bool
) -> Verdict:
    """Judge the *rank*-th newest automatic backup, or one that is none (None)."""
    if not is_automatic(info.key):
        return Verdict(info, True, "The schedule did not make it.")
    if rank is None:
        return Verdict(info, True, "Nothing tells that this site's schedule made it.")
    if keep == 0:
        return Verdict(info, True, "All automatic backups are kept.")
    if rank <= keep:
        return Verdict(info, True, f"It is one of the newest {keep}.")
    if is_last_good:
        return Verdict(info, True, "It is the newest that is not known to be damaged.")
    return Verdict(info, False, f"Newer automatic backups: {rank - 1}.")


def prune_backups(plan: list[Verdict], *, actor: str) -> list[Text]:
    """Delete what *plan* does not keep; return a sentence for each that failed.

    One that the running operation works on is not deleted.
    """
    failures = []
    for verdict in plan:
        if verdict.is_kept:
            continue
        try:
            delete_backup(verdict.backup.key, actor=actor)
        except BackupError as error:
            failures.append(Text(_("Not pruned: %(why)s"), why=error.text))
    return failures
