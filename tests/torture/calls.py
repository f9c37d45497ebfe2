"""Which system calls of a command are points at which it is killed or fails."""

import random
from collections.abc import Sequence

from tests.live.crash import Call, Launcher, parse
from tests.live.server import Site

CHANGES = (
    "openat,mkdir,rmdir,rename,link,unlink,unlinkat,write,pwrite64,ftruncate,"
    "fallocate,fsync,fdatasync,syncfs,utimensat,fchmod"
)
"""Every kind of call by which the app or SQLite changes a disk."""

WRITES = ("write", "pwrite64")


def record(site: Site, launcher: Launcher, *arguments: str) -> list[Call]:
    """Run a command to its end; return every call that changed the site."""
    log, pid = launcher.log_of(*arguments, names=CHANGES)
    return [c for c in parse(log, pid) if changes(c, site)]


def changes(call: Call, site: Site) -> bool:
    """Whether the call has changed anything below the folder of the site."""
    if str(site.folder) not in call.text or "= -1 E" in call.text:
        return False
    if "/output-" in call.text:  # What the command prints.
        return False
    return call.name != "openat" or "O_CREAT" in call.text


def target(call: Call) -> str:
    """Return the file that the call's descriptor stands for, or its arguments."""
    return call.text.split("<", 1)[-1].split(">", 1)[0]


def choose(calls: Sequence[Call], count: int) -> list[Call]:
    """Return at most *count* of the calls, in their order; all of them with 0.

    Of the writes that follow each other into one file, the first, the second,
    the last, and one between. Where these are too many, one in so many of them;
    two thirds of all are from the time since the journal has appeared, and
    where that leaves room, more of its writes.
    """
    if count == 0:
        return list(calls)
    begin = next((n for n, c in enumerate(calls) if is_journal(c)), len(calls))
    before, commit = thin_out(calls[:begin]), calls[begin:]
    for_commit = min(len(commit), max(count - len(before), count * 2 // 3))
    after = thin_out(commit)
    others = sorted({*commit} - {*after}, key=commit.index)
    after = spread(after, for_commit)
    chosen = {*after, *spread(others, for_commit - len(after))}
    return spread(before, count - for_commit) + [c for c in commit if c in chosen]


def is_journal(call: Call) -> bool:
    return call.name == "link" and '/journal.json"' in call.text


def thin_out(calls: Sequence[Call]) -> list[Call]:
    pick = random.Random(7)
    kept: list[Call] = []
    burst: list[Call] = []

    def close_burst() -> None:
        inner = [pick.choice(burst[2:-1])] if len(burst) > 4 else burst[2:-1]
        kept.extend(dict.fromkeys([*burst[:2], *inner, *burst[-1:]]))
        burst.clear()

    for call in calls:
        if burst and (call.name, target(call)) != (burst[0].name, target(burst[0])):
            close_burst()
        if call.name in WRITES:
            burst.append(call)
        else:
            kept.append(call)
    close_burst()
    return kept


def spread(calls: Sequence[Call], count: int) -> list[Call]:
    """Return *count* of the calls at even distances."""
    if count >= len(calls):
        return list(calls)
    if count < 1:
        return []
    return [calls[(2 * n + 1) * len(calls) // (2 * count)] for n in range(count)]
