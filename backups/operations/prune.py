"""Thin out the automatic backups, so that the store does not grow for ever."""

import dataclasses

from backups.exceptions import BackupError
from backups.names import is_automatic
from backups.store import Stored, get_store

from . import history
from .delete import delete_backup
from .read import protected_until


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What a pruning does with one backup, and why in one sentence."""

    backup: Stored
    is_kept: bool
    reason: str


def plan_pruning(keep: int, *, new: str = "") -> list[Verdict]:
    """Say of every stored backup, newest first, whether a pruning keeps it.

    Of the automatic backups of this site the newest *keep* stay, and the newest
    of which nothing bad is known; 0 keeps all. *new* is the key of one that is
    stored, but whose making is not in the history yet. Raises StoreFailed.
    """
    newest_first = sorted(
        get_store().list(), key=lambda item: (item.modified, item.key), reverse=True
    )
    made = history.made_here().keys() | {new}
    bad = history.found_bad()
    ours = [i for i in newest_first if is_automatic(i.key) and i.key in made]
    good = next((item.key for item in ours if item.key not in bad), None)
    ranks = {item.key: rank for rank, item in enumerate(ours, 1)}
    safety = history.safety_copies()
    return [
        judge_safety_copy(item)
        if item.key in safety
        else judge(item, ranks.get(item.key), keep, is_last_good=item.key == good)
        for item in newest_first
    ]


def judge_safety_copy(item: Stored) -> Verdict:
    if until := protected_until(item):
        return Verdict(item, True, f"It can undo a restore until {until:%Y-%m-%d}.")
    return Verdict(item, False, "The time in which it could undo a restore is over.")


def judge(item: Stored, rank: int | None, keep: int, *, is_last_good: bool) -> Verdict:
    """Judge the *rank*-th newest automatic backup, or one that is none (None)."""
    if not is_automatic(item.key):
        return Verdict(item, True, "The schedule did not make it.")
    if rank is None:
        return Verdict(item, True, "Nothing tells that this site's schedule made it.")
    if keep == 0:
        return Verdict(item, True, "All automatic backups are kept.")
    if rank <= keep:
        return Verdict(item, True, f"It is one of the newest {keep}.")
    if is_last_good:
        return Verdict(item, True, "It is the newest that is not known to be damaged.")
    return Verdict(item, False, f"Newer automatic backups: {rank - 1}.")


def prune_backups(keep: int, *, actor: str, new: str = "") -> list[str]:
    """Delete what ``plan_pruning`` does not keep; return a sentence each failed.

    One that the running operation works on is not deleted. Raises StoreFailed
    if the backups can't be listed.
    """
    failures = []
    for verdict in plan_pruning(keep, new=new):
        if verdict.is_kept:
            continue
        try:
            delete_backup(verdict.backup.key, actor=actor)
        except BackupError as error:
            failures.append(f"Not pruned: {error}")
    return failures
