"""What a power cut could lose, judged by the recorded calls of a command.

Killing a process loses nothing that the kernel has in memory; a power cut does.
So the record is replayed on a model of a disk that keeps data only once they
were synced, and a name only once its folder was. At every step that can't be
taken back the model tells what the step relies on and what might not be there.
The model is stricter than the usual file systems: nothing is synced by chance,
and each folder of the site may be a file system of its own.
"""

import dataclasses
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath
from typing import NamedTuple

LINE = re.compile(r"(\d+) +(?:<\.\.\. )?(\w+)(?:\(| resumed>)(.*)")
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
HANDLE = re.compile(r"^(?:\d+|AT_FDCWD)<([^>]*)>")
UNFINISHED = " <unfinished ...>"

SYNCS = ("fsync", "fdatasync", "syncfs")
CONTENT = ("write", "pwrite64", "ftruncate", "fallocate")
SHOWS = ("rename", "link")


class Event(NamedTuple):
    """One call that succeeded: of which thread, and the paths that it names."""

    thread: int
    name: str
    paths: tuple[str, ...]
    text: str


def read_log(log: str) -> list[Event]:
    """Return the events of a log of ``strace -f -y``, by the time they ended.

    But a sync counts from when it began: it need not cover what came meanwhile.
    """
    found: list[tuple[int, Event]] = []
    begun: dict[tuple[str, str], tuple[int, str]] = {}
    for number, line in enumerate(log.splitlines()):
        if not (match := LINE.match(line)):
            continue
        thread, name, text = match.groups()
        if text.endswith(UNFINISHED):
            begun[thread, name] = number, text.removesuffix(UNFINISHED)
            continue
        if " resumed>" in line[: match.start(3)]:
            start, head = begun.pop((thread, name))
            text = head + text
            number = start if name in SYNCS else number
        if " = -1 E" not in text:
            found.append((number, Event(int(thread), name, paths(name, text), text)))
    return [event for _, event in sorted(found, key=lambda item: item[0])]


def paths(name: str, text: str) -> tuple[str, ...]:
    handle = HANDLE.match(text)
    strings = STRING.findall(text)
    if name in (*SYNCS, *CONTENT):
        return (handle[1],) if handle else ()
    if name in ("openat", "unlinkat") and handle:
        return (str(PurePath(handle[1]) / strings[0]),)
    return tuple(strings[: 2 if name in SHOWS else 1])


class Disk:
    """What is there, and what of it a power cut would lose."""

    def __init__(self, root: str, existing: Iterable[str], main: int) -> None:
        self.root = root
        self.there = set(existing)
        self.main = main
        self.dirty: dict[str, set[int]] = {}
        """Path → threads whose writes into it are not synced."""
        self.unsure: set[str] = set()
        """Paths whose coming, going or moving is not synced."""

    def apply(self, event: Event) -> None:
        for path in event.paths[:1]:
            if event.name in CONTENT:
                self.dirty.setdefault(path, set()).add(event.thread)
            elif event.name in ("mkdir", "openat") and is_new(event):
                if path not in self.there:
                    self._name(path)
            elif event.name in ("unlink", "unlinkat", "rmdir"):
                self._forget(path)
            elif event.name == "syncfs":
                system = self._system(path)
                self.unsure = {p for p in self.unsure if self._system(p) != system}
                for covered in [p for p in self.dirty if self._system(p) == system]:
                    del self.dirty[covered]
            elif event.name in SYNCS:
                self.dirty.pop(path, None)
                self.unsure = {p for p in self.unsure if parent(p) != path}
            elif event.name == "rename":
                self._move(*event.paths)
            elif event.name == "link":
                self._name(event.paths[1])
                if path in self.dirty:
                    self.dirty[event.paths[1]] = self.dirty[path]

    def _system(self, path: str) -> str:
        """Return the folder of the site that the path lies in."""
        return path.removeprefix(f"{self.root}/").split("/")[0]

    def _name(self, path: str) -> None:
        self.there.add(path)
        self.unsure.add(path)

    def _forget(self, path: str) -> None:
        self.there.discard(path)
        self.dirty.pop(path, None)
        self.unsure.add(path)

    def _move(self, source: str, target: str) -> None:
        def moved(path: str) -> str:
            inside = path == source or path.startswith(f"{source}/")
            return target + path[len(source) :] if inside else path

        self.there = {moved(path) for path in self.there}
        self.dirty = {moved(path): by for path, by in self.dirty.items()}
        self.unsure = {moved(path) for path in self.unsure} | {source, target}
        self.there.add(target)


def is_new(event: Event) -> bool:
    return event.name == "mkdir" or "O_CREAT" in event.text


def parent(path: str) -> str:
    return str(PurePath(path).parent)


@dataclasses.dataclass
class Trial:
    """The replay of one record under the rules of this app."""

    root: str
    """The folder of the site, in which everything lies."""
    disk: Disk
    faults: list[str] = dataclasses.field(default_factory=list)
    moments: Counter[str] = dataclasses.field(default_factory=Counter)
    now: str = ""
    """The moment that is being judged."""
    published: str = ""
    deleted: str = ""
    committing: bool = False
    """The last step of the journal was shown, and the last database is next."""

    def run(self, events: Sequence[Event]) -> "Trial":
        for event in events:
            if event.paths:
                self.look(event)
            self.disk.apply(event)
        return self

    @property
    def journal(self) -> str:
        return f"{self.root}/workspace/journal.json"

    def live(self, name: str) -> list[str]:
        return [f"{self.root}/{name}.sqlite3{end}" for end in ("", "-wal", "-journal")]

    def look(self, event: Event) -> None:
        """Judge the call, which has not happened yet."""
        last = event.paths[-1]
        if event.name in SHOWS and last == self.journal:
            self.moment("journal step")
            self.require_synced(event.paths[0], "the journal")
            self.require_step()
            self.committing = self.moments["journal step"] >= 4
        elif event.name == "unlink" and last == self.journal:
            self.moment("journal removed")
            self.require_step()
            for path in self.live("db"):
                self.require_synced(path, "the last database", thread=self.disk.main)
            self.require_named(self.live("db")[2], "the last database")
        elif event.name == "link" and f"{self.root}/backups/.partial/" in event.text:
            self.moment("archive published")
            self.require_synced(event.paths[0], "the archive")
            self.published = last
        elif event.name == "unlink" and parent(last) == f"{self.root}/backups":
            self.moment("archive deleted")
            self.deleted = last
        elif event.name in ("unlink", "unlinkat", "rmdir") and self.is_way_back(last):
            self.moment("way back removed")
            self.require_gone()
        elif event.name == "pwrite64" and last in self.live("db"):
            self.look_at_row(event)

    def look_at_row(self, event: Event) -> None:
        """Judge a write into the database that holds the history."""
        if self.committing and self.disk.main == event.thread:
            self.moment("commit")
            self.require_step()
            self.committing = False  # The other writes rely on nothing else.
        for path, what in ((self.published, "published"), (self.deleted, "deleted")):
            if path and self.disk.main == event.thread:
                self.moment("history row")
                self.require_named(path, f"what was {what}")
        self.published = self.deleted = ""

    def require_step(self) -> None:
        """What every step of a commit relies on, and of its undoing."""
        self.require_named(self.journal, "the step before")
        if self.moments["journal step"] < 2:
            return  # Nothing of the site was changed yet.
        relied = [
            p for p in self.disk.there | set(self.disk.dirty) if self.is_relied(p)
        ]
        for path in sorted(relied):
            self.require_synced(path, "what is staged or kept")
            self.require_named(path, "what is staged or kept")
        for path in sorted(self.disk.unsure):
            if self.is_media(path):
                self.fault(f"the media: the name {self.short(path)}")
        for path in self.live("second"):
            self.require_synced(path, "the other database")
            if path in self.disk.there or path.endswith("-journal"):
                self.require_named(path, "the other database")

    def is_relied(self, path: str) -> bool:
        """Whether it is staged, or a way back, or holds such."""
        if path.endswith(("-shm", "/lock", ".snapshot", "-journal", "-wal")):
            return False
        return path in self.disk.there and (
            path.startswith(f"{self.root}/workspace/operations/")
            or f"{self.root}/media/.backups-" in path
            or parent(path) == f"{self.root}/backups"
        )

    def is_media(self, path: str) -> bool:
        """Whether it is an entry that a swap moves, at either of its places."""
        above = parent(path)
        return above == f"{self.root}/media" or (
            above.startswith(f"{self.root}/media/.backups-")
            and PurePath(above).name in ("new", "old")
        )

    def is_way_back(self, path: str) -> bool:
        return path.endswith(".undo") or (
            f"{self.root}/media/.backups-" in path and "/old/" in path
        )

    def require_gone(self) -> None:
        if self.journal in self.disk.there or self.journal in self.disk.unsure:
            self.fault("the journal's removal, before a way back is deleted")

    def require_synced(self, path: str, what: str, *, thread: int = 0) -> None:
        writers = self.disk.dirty.get(path, set())
        if thread in writers or (writers and not thread):
            self.fault(f"{what}: the data of {self.short(path)}")

    def require_named(self, path: str, what: str) -> None:
        if path in self.disk.unsure:
            self.fault(f"{what}: the name {self.short(path)}")

    def moment(self, name: str) -> None:
        self.moments[name] += 1
        self.now = name

    def fault(self, text: str) -> None:
        self.faults.append(f"at “{self.now}” a power cut could lose {text}")

    def short(self, path: str) -> str:
        return path.removeprefix(f"{self.root}/")


def judge(
    events: Sequence[Event], *, root: str, existing: Iterable[str], main: int
) -> Trial:
    return Trial(root, Disk(root, existing, main)).run(events)


def without_each_sync(
    events: Sequence[Event],
) -> Iterator[tuple[Event, list[Event]]]:
    """Yield each sync of the record, and the record as if it had been forgotten."""
    for number, event in enumerate(events):
        if event.name in SYNCS:
            yield event, [*events[:number], *events[number + 1 :]]
