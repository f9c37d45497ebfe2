"""Names that lead elsewhere, collide, or are no names."""

import random

from backups.archive.layout import central_record, local_header
from backups.archive.member import format_line
from backups.archive.names import encode_name

from .hostile_parts import Crafted, Edit, change_member, entry

LEADING_AWAY = (
    "../x",
    "../../../../tmp/x",
    "media/../../x",
    "media/..",
    "media/x/../../../y",
    "/etc/passwd",
    "//server/share",
    "media//x",
    "media/./x",
    "media/",
    "media",
    "/",
    "",
    ".",
    "C:/x",
    "C:\\x",
    "\\\\server\\share\\x",
    "media/..\\..\\x",
    "media\\x",
    "..\\x",
    "media/x\0.txt",
    "file:///etc/passwd",
    "databases/default.sqlite3",
    "databases/default.sqlite3/x",
    "databases/../media/x",
    "databases/other.sqlite3",
    "databases/x/",
    "databases/\udcff.sqlite3",
    "databases/default.undo",
    "databases/lock",
    "manifest.json",
    "members.jsonl",
    "MEDIA/x",
    "media/.backups-0/new/x",
    "media/.backups-\udcff/x",
    "media/lost+found/x",
    "media/lost+found",
)
"""Names that lead out of their place, or into somebody else's."""

PECULIAR = (
    "media/a\\b",
    "media/C:x",
    "media/con",
    "media/x.",
    "media/x ",
    "media/ ",
    "media/-rf",
    "media/~root",
    "media/$HOME",
    "media/%2e%2e/x",
    "media/．．/x",
    "media/\u202etxt.exe",
    "media/\u2028x",
    "media/a\nb\r\x1b[31m",
    "media/é",
    "media/e\u0301",
    "media/\udcff\udcfe",
    "media/\udcc3\udca9",
    "media/\ud800",
    "media/\U0001f4a9",
    "media/" + "a" * 255,
    "media/" + "a" * 256,
    "media/" + "é" * 200,
    "media/" + "a/" * 1500 + "x",
    "media/" + "a/" * 2044 + "x",
    "media/" + "x" * 5000,
    "media/...",
    "media/..x/y",
    "media/.",
)
"""Names at the borders of what a file system takes."""


def rename(rng: random.Random, parts: Crafted, names: tuple[str, ...]) -> None:
    """Give a member another name: everywhere, or in one of the three places."""
    item, name = parts.pick(rng, files=True), rng.choice(names)
    if rng.random() < 0.6:
        change_member(item, name=name)
        if rng.random() < 0.7:
            parts.sort()
        return
    other = item.member._replace(name=name)
    if not name.isascii() and _is_unwritable(name):
        return
    where = rng.choice(("edit_local", "edit_central", "edit_line"))
    edits: dict[str, Edit] = {
        "edit_local": lambda _: local_header(other),
        "edit_central": lambda raw: central_record(other, _offset(raw)),
        "edit_line": lambda _: format_line(other),
    }
    setattr(item, where, edits[where])


def _is_unwritable(name: str) -> bool:
    try:
        encode_name(name)
    except UnicodeEncodeError:
        return True
    return False


def _offset(raw: bytes) -> int:
    return int.from_bytes(raw[42:46], "little")


def zip_slip(rng: random.Random, parts: Crafted) -> bytes:
    rename(rng, parts, LEADING_AWAY)
    return build(parts)


def peculiar_names(rng: random.Random, parts: Crafted) -> bytes:
    rename(rng, parts, PECULIAR)
    return build(parts)


def build(parts: Crafted) -> bytes:
    """Build, or, where a name can't be written, write it with other bytes."""
    for item in parts.entries:
        if _is_unwritable(item.member.name):
            line = format_line(item.member)
            item.edit_line = lambda _, line=line: line
            change_member(item, name=item.member.name.replace("\ud800", "\udcff"))
    return parts.build()


def colliding_names(rng: random.Random, parts: Crafted) -> bytes:
    """Names that some file systems, or some readers, take for one another."""
    pairs = (
        ("media/Photo.jpg", "media/photo.jpg"),
        ("media/A/x", "media/a/x"),
        ("media/é", "media/e\u0301"),
        ("media/ß", "media/SS"),
        ("media/x", "media/x/y"),
        ("media/x/", "media/x/y"),
        ("media/x", "media/x/"),
        ("media/x", "media/x"),
        ("media/K", "media/\u212a"),
        ("media/\udcff", "media/ÿ"),
    )
    for name in rng.choice(pairs):
        parts.entries.append(entry(name, b"" if name.endswith("/") else b"content"))
    if rng.random() < 0.9:
        parts.sort()
    return parts.build()


NAMES = {
    "zip slip": zip_slip,
    "peculiar names": peculiar_names,
    "colliding names": colliding_names,
}
