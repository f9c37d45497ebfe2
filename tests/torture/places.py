"""A small site that is tortured, and what has to hold of it afterwards."""

import hashlib
import os
import random
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tests.live.crash import Ended, Launcher
from tests.live.load import Load
from tests.live.server import LONG, Site

MODES = ("wal", "delete")
"""SQLite's journal modes; the first is the reference project's."""

DATABASES = ("db", "second")
WRITTEN = "written-"
"""Begins the title of what the load adds."""
OLD = "old.zip"


class Patient:
    """One site, its launcher, and connections that stay open all the time."""

    def __init__(
        self,
        template: Path,
        folder: Path,
        mode: str,
        furnish: Callable[[Path], None] = lambda folder: None,
    ) -> None:
        """*furnish* may change the site's folder before anything is opened."""
        self.mode = mode
        self.site = Site.copy(template, folder, WAL=str(mode == "wal").lower())
        furnish(folder)
        for name in DATABASES:
            with closing(sqlite3.connect(folder / f"{name}.sqlite3")) as database:
                database.execute(f"PRAGMA journal_mode={mode}")
        self.site.media.mkdir(exist_ok=True)
        self.launcher = Launcher(self.site)
        self.held = {name: self._hold(name) for name in DATABASES}
        self.inodes = {name: self._inode(name) for name in DATABASES}
        self.known: dict[str, str] = {}
        self.serial = 0

    def _hold(self, name: str) -> sqlite3.Connection:
        return sqlite3.connect(
            self.site.folder / f"{name}.sqlite3",
            timeout=LONG,
            check_same_thread=False,
            isolation_level=None,
        )

    def _inode(self, name: str) -> int:
        return (self.site.folder / f"{name}.sqlite3").stat().st_ino

    def close(self) -> None:
        for connection in self.held.values():
            connection.close()
        with self.launcher:
            pass
        self.site.remove()

    def run(self, *arguments: str) -> Ended:
        return self.launcher.run(*arguments)

    def must(self, *arguments: str) -> str:
        ended = self.run(*arguments)
        assert ended.status == 0, (arguments, ended.output)
        return ended.output

    # What it holds ---------------------------------------------------------

    def fill(self, name: str) -> None:
        """Give it other rows in each database and other files."""
        media = self.site.media
        for path in self.site.media_files():
            (media / path).unlink()
        (media / "articles").mkdir(parents=True, exist_ok=True)
        titles = [f"{name}-{n}" for n in range(4)]
        for title in titles:
            (media / "articles" / f"{title}.txt").write_text(title)
            (media / f"{title}.bin").write_bytes(random.randbytes(5000))
        rows = [(title, "x" * 20_000, f"articles/{title}.txt") for title in titles]
        for connection in self.held.values():
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("DELETE FROM site_article")
            connection.executemany(
                "INSERT INTO site_article (title, body, attachment, summary)"
                " VALUES (?, ?, ?, '')",
                rows,
            )
            connection.execute("COMMIT")

    def fill_anew(self) -> None:
        self.serial += 1
        self.fill(f"new{self.serial}")

    def content(self) -> dict[str, Any]:
        """Return all that a restore replaces, but for what the load has added."""
        found: dict[str, Any] = {
            name: connection.execute(
                "SELECT title, length(body), attachment FROM site_article"
                " WHERE title NOT LIKE 'written-%' ORDER BY id"
            ).fetchall()
            for name, connection in self.held.items()
        }
        media = self.site.media_files()
        return found | {"media": {n: d for n, d in media.items() if WRITTEN not in n}}

    def written(self) -> set[str]:
        """Return the titles that the load has added, each with its file."""
        rows = self.held["db"].execute(
            "SELECT title, attachment FROM site_article WHERE title LIKE 'written-%'"
        )
        found = dict(rows.fetchall())
        files = self.site.media_files()
        for title, attachment in found.items():
            assert files.get(attachment) == title.encode(), f"{title} lost its file"
        return set(found)

    def forget_written(self) -> None:
        self.held["db"].execute("DELETE FROM site_article WHERE title LIKE 'written-%'")
        for path in (self.site.media / "articles").glob(f"{WRITTEN}*"):
            path.unlink()

    # Its archives ----------------------------------------------------------

    def archives(self) -> dict[str, str]:
        """Return the digest of each file that a list would show."""
        return {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in self.site.backups.glob("*.zip")
        }

    def know(self, *keys: str) -> None:
        """Remember these archives: they must stay as they are."""
        present = self.archives()
        self.known |= {key: present[key] for key in keys}

    def require_whole(self, key: str) -> None:
        """Prove an archive by a foreign reader, then by the app's own proof."""
        with zipfile.ZipFile(self.site.backups / key) as archive:
            assert archive.testzip() is None, key
        self.must("backup_verify", key)

    def drop(self, *keys: str) -> None:
        for key in keys:
            (self.site.backups / key).unlink(missing_ok=True)
            self.known.pop(key, None)

    def drop_safety_copies(self, keep: str = "") -> None:
        for path in self.site.backups.glob("@before_restore_*.zip"):
            if path.name != keep:
                path.unlink()

    def safety_key(self, token: str) -> str:
        """Return the key of the safety copy that this restore has made."""
        rows = self.held["db"].execute(
            "SELECT safety_key FROM backups_operation WHERE token = ?",
            [token],
        )
        return str(rows.fetchone()[0])

    def last_safety_key(self) -> str:
        """Return the key of the safety copy that an undo would restore."""
        rows = self.held["db"].execute(
            "SELECT safety_key FROM backups_operation WHERE kind = 'restore'"
            " AND state = 'succeeded' ORDER BY started DESC LIMIT 1"
        )
        return str(rows.fetchone()[0])

    # Its laws --------------------------------------------------------------

    def rows(self, kind: str) -> dict[str, str]:
        """Return the state of each operation of that kind, by its id."""
        found = self.held["db"].execute(
            "SELECT token, state FROM backups_operation WHERE kind = ?", [kind]
        )
        return dict(found.fetchall())

    def is_open(self) -> bool:
        return self.site.request("GET", "/site/state").status == 200

    def require_settled(self) -> None:
        """Assert that it is open, free and sound, without anybody's help."""
        assert not (self.site.workspace / "journal.json").exists(), "a journal is left"
        assert self.site.can_backup(), "the lease is held"
        for name, connection in self.held.items():
            mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
            assert mode == self.mode, f"{name} is in {mode} mode"
            verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
            assert verdict == "ok", f"{name}: {verdict}"
            assert self._inode(name) == self.inodes[name], f"{name} is another file"
        present = self.archives()
        assert set(present) == set(self.site.keys()), "list and folder differ"
        for key, digest in self.known.items():
            assert present.get(key) == digest, f"{key} was changed"

    def require_next(self) -> None:
        """Assert that the next operation works and that nothing is left behind."""
        self.make_stale()
        self.must("backup_create", "next.zip")
        assert self.site.leftovers() == [], "left behind"
        running = "SELECT count(*) FROM backups_operation WHERE state = 'running'"
        assert self.held["db"].execute(running).fetchone() == (0,)
        self.drop("next.zip")

    def make_stale(self) -> None:
        """Let an hour pass over what a killed process left in the workspace."""
        workspace = self.site.workspace
        drafts = [*workspace.glob("*.new"), *workspace.glob("operations/new-*")]
        for path in drafts:
            os.utime(path, (path.stat().st_mtime - 3600,) * 2)


class LightLoad(Load):
    """One reader and one writer, whose titles are never used twice."""

    def __init__(self, patient: Patient) -> None:
        super().__init__(patient.site, readers=1, writers=1)
        self._round = patient.serial = patient.serial + 1

    def _read(self) -> None:
        while not self._stop.wait(0.05):
            self._note("", lambda: self._site.request("GET", "/site/state"))

    def _write(self, writer: int) -> None:
        count = 0
        while not self._stop.wait(0.04):
            count += 1
            title = f"{WRITTEN}{self._round}-{count}"
            self._note(title, lambda title=title: self._site.add_article(title))

    def require_answers(self) -> None:
        """Assert that nobody got anything but an answer, or 503 in the commit."""
        for seen in self.seen:
            assert not seen.error, seen
            assert seen.answer is not None
            assert seen.answer.status in (200, 503), seen
            if seen.is_read:
                assert seen.state["titles"] == seen.state["files"], "mixed answer"

    def added(self) -> dict[str, tuple[float, float]]:
        """Return each title that was acknowledged: when sent, when answered."""
        return {s.title: (s.sent, s.answered) for s in self.seen if s.title and s.ok}


@contextmanager
def patients(
    template: Path, folder: Path, *modes: str, serve: bool = True
) -> Iterator[list[Patient]]:
    """Make a site of each mode, with one archive and other content since."""
    made = [Patient(template, folder / mode, mode) for mode in modes]
    try:
        for patient in made:
            if serve:
                patient.site.start()
            patient.fill("old")
            patient.must("backup_create", OLD)
            patient.know(OLD)
        yield made
    finally:
        for patient in made:
            patient.close()
