"""The live site under attack: made, saved, compared, and put back."""

import dataclasses
import hashlib
import io
import os
import shutil
import sqlite3
import stat
import tempfile
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections

from backups.snapshots.sqlite_tables import state_tables
from tests.engine import create
from tests.site.models import Article

from .hostile_databases import MEMBERS, ordinary_tables, quote
from .hostile_parts import Crafted

ALIASES = ("default", "second")
NOISE = hashlib.shake_128(b"noise").digest
OURS = ("test", "test-second", "secret_key", "db", "second")
"""What else lies in the folder of the tests' site, without the extension."""

TIME_NS = 1_700_000_000 * 10**9

State = dict[str, Any]
"""Alias → digest of all rows; "media" → name → (mode, digest)."""


def media_root() -> Path:
    return Path(settings.MEDIA_ROOT)


def fill_media(files: dict[str, bytes | None]) -> None:
    """Let the media be these files and, where the content is None, folders."""
    shutil.rmtree(media_root(), ignore_errors=True)
    media_root().mkdir(parents=True)
    for name, content in files.items():
        path = media_root() / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.mkdir()
        else:
            path.write_bytes(content)
        path.chmod(0o755 if content is None else 0o644)
        os.utime(path, ns=(TIME_NS, TIME_NS))


def fill_databases(title: str) -> None:
    for alias in ALIASES:
        Article.objects.using(alias).all().delete()
        rows = [Article(id=n + 1, title=f"{title} {alias} {n}") for n in range(20)]
        Article.objects.using(alias).bulk_create(rows)
        with connections[alias].cursor() as cursor:
            cursor.execute("UPDATE django_migrations SET applied = '2026-01-01'")


BASES: dict[str, dict[str, bytes | None]] = {
    "rows and media": {
        "a/b/photo.jpg": b"\xff\xd8" + bytes(range(256)) * 40,
        "notes é.txt": b"hello " * 1000,
        "empty": None,
        "zero": b"",
    },
    "no media": {},
    "many files": {f"f/{n % 7}/{n:03}.txt": b"file %d\n" % n * 9 for n in range(150)},
    "stored": {"noise.bin": NOISE(300_000), "a.txt": b"a"},
    "in blocks": {"large.txt": b"".join(b"line %d\n" % n for n in range(180_000))},
}
"""What the media of the archives hold that mutants are made of."""


def make_bases() -> dict[str, bytes]:
    """Return an archive of each kind, made by the engine; the same every time."""
    made = {}
    for name, files in BASES.items():
        fill_databases(name)
        fill_media(files)
        create("base.zip")
        path = settings.DATA_DIR / "backups" / "base.zip"
        made[name] = made_reproducible(path.read_bytes())
        path.unlink()
    return made


def made_reproducible(data: bytes) -> bytes:
    """Replace what depends on the moment: the date, and times of databases."""
    parts = Crafted.take_apart(data)
    parts.manifest["created"] = "2026-01-01T00:00:00+00:00"
    for item in parts.entries:
        item.member = item.member._replace(mtime_ns=TIME_NS)
    return parts.build()


@dataclasses.dataclass
class LiveSite:
    """The site whose content must not change, with a copy to put it back."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> "LiveSite":
        fill_databases("live")
        fill_media({"live/here.txt": b"live" * 50, "b.bin": NOISE(9000), "x": None})
        site = cls(folder)
        shutil.copytree(media_root(), folder / "media")
        for alias in ALIASES:
            with closing(raw(alias)) as live, closing(copy(folder / alias)) as target:
                live.backup(target)
        return site

    def put_back(self) -> None:
        """Undo a restore that was right to succeed."""
        shutil.rmtree(media_root(), ignore_errors=True)
        shutil.copytree(self.folder / "media", media_root())
        connections.close_all()
        for alias in ALIASES:
            with (
                closing(copy(self.folder / alias)) as source,
                closing(raw(alias)) as live,
            ):
                source.backup(live)


def copy(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


def raw(alias: str) -> sqlite3.Connection:
    name = connections[alias].settings_dict["NAME"]
    return sqlite3.connect(name, isolation_level=None)


def live_state() -> State:
    """Return all that a restore replaces: every row, every file with its mode."""
    state: State = {"media": live_media()}
    for alias in ALIASES:
        with closing(raw(alias)) as database:
            state[alias] = digest_of_rows(database)
    return state


def live_media() -> dict[bytes, tuple[int, str | None]]:
    root, found = os.fsencode(media_root()), {}
    for folder, folders, files in os.walk(root):
        if not folders and not files and folder != root:
            found[os.path.relpath(folder, root)] = (mode_of(folder), None)
        for name in files:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                digest = hashlib.sha256(file.read()).hexdigest()
            found[os.path.relpath(path, root)] = (mode_of(path), digest)
    return found


def mode_of(path: bytes) -> int:
    return stat.S_IMODE(os.lstat(path).st_mode)


def digest_of_rows(database: sqlite3.Connection) -> str:
    """Return a digest of all rows of all tables but this app's own."""
    database.text_factory = bytes
    digest = hashlib.sha256()
    for name in (decode(n) for n in ordinary_tables(database)):
        if name in state_tables():
            continue
        rows = rows_of(database, name)
        # Sorted: to carry its own migrations over gives them other keys.
        shown = sorted(repr([brief(value) for value in row]) for row in rows)
        digest.update(repr((name, shown)).encode())
    return digest.hexdigest()


def rows_of(database: sqlite3.Connection, name: str) -> sqlite3.Cursor:
    """Return the rows without generated columns, which may be made very large."""
    found = database.execute(f"PRAGMA table_info({quote(name)})").fetchall()
    columns = [decode(column[1]) for column in found]
    is_history = name == "django_migrations" and "app" in columns
    condition = " WHERE app != 'backups'" if is_history else ""
    listed = ", ".join(map(quote, columns)) or "1"
    return database.execute(f"SELECT {listed} FROM {quote(name)}{condition}")


def brief(value: Any) -> Any:
    if isinstance(value, bytes) and len(value) > 1000:
        return hashlib.sha256(value).digest()
    return value


def decode(name: Any) -> str:
    return name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else name


def promised_state(data: bytes) -> State:
    """Return what a mutant holds, as Python's own zipfile reads it."""
    state: State = {"media": {}}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            if info.filename.startswith("media/"):
                name = raw_name(info).removeprefix(b"media/").rstrip(b"/")
                content = None if info.is_dir() else archive.read(info)
                digest = (
                    None if content is None else hashlib.sha256(content).hexdigest()
                )
                mode = (info.external_attr >> 16) & 0o777
                # The owner of a folder can always use it.
                mode |= stat.S_IRWXU if info.is_dir() else 0
                state["media"][name] = (mode, digest)
        for alias, member in MEMBERS.items():
            state[alias] = read_rows(archive.read(member))
    return state


def raw_name(info: zipfile.ZipInfo) -> bytes:
    return info.filename.encode("utf-8" if info.flag_bits & 0x800 else "cp437")


def read_rows(content: bytes) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        path.write_bytes(content)
        with closing(copy(path)) as database:
            return digest_of_rows(database)


def is_staged(target: Path) -> bool:
    """Whether a file to be made lies where operations lay out what they unpack."""
    place = os.path.realpath(target)
    operations = os.path.realpath(settings.DATA_DIR / "workspace" / "operations")
    hidden = os.path.realpath(media_root()) + "/.backups-"
    return place.startswith((operations + "/", hidden))


def leftovers() -> list[str]:
    """Return what an operation should have removed, by its name."""
    root = settings.DATA_DIR
    places = (
        root / "workspace" / "operations",
        root / "backups" / ".partial",
    )
    found = [str(p.relative_to(root)) for place in places for p in place.glob("*")]
    found += [p.name for p in media_root().glob(".backups-*")]
    strangers = {p.name for p in root.iterdir()} - {"media", "backups", "workspace"}
    found += [name for name in strangers if name.partition(".")[0] not in OURS]
    if (root / "workspace" / "journal.json").exists():
        found.append("journal.json")
    return found
