"""The rules for member names, the same on the way in and on the way out."""

import os

from backups.texts import gettext_noop as _

MANIFEST = "manifest.json"
LISTING = "members.jsonl"
MAX_NAME = 4096
"""Longest name in bytes; no path that Linux accepts is longer."""

MAX_DEPTH = 256
"""Most parts of a name; trees are walked, made and deleted by recursion."""

_TOPS = ("databases", "media")
_SHOWN = 120


def encode_name(name: str) -> bytes:
    """Return the bytes of a name; surrogate escapes become what they escaped."""
    return name.encode("utf-8", "surrogateescape")


def decode_name(raw: bytes) -> str:
    """Return the name for bytes; what is not UTF-8 becomes surrogate escapes."""
    return raw.decode("utf-8", "surrogateescape")


def show(name: str) -> str:
    """Return the name as it may stand in a message: short and printable."""
    cut = name if len(name) <= _SHOWN else name[:_SHOWN] + "…"
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in cut)


def sort_key(name: str) -> list[str]:
    """Return what to sort member names by: their parts, not their characters."""
    return name.rstrip("/").split("/")


class NameOrder:
    """Admits names one by one: each must be safe and come after the last.

    Strictly ascending order, compared part by part, puts everything inside a
    folder right behind the folder, so that duplicates and files that are also
    folders show up between neighbours and no set of names is needed.
    """

    def __init__(self) -> None:
        self._last = ""
        self._folder: str | None = None
        self._leaf = ""

    def admit(self, name: str) -> None:
        """Accept a name; a folder's ends in a slash.

        Raises ValueError with the rest of a sentence that begins with the name.
        """
        folder, _slash, leaf = name.rpartition("/")
        # Most names differ from their neighbour in a plain last part only.
        if folder != self._folder or leaf <= self._leaf or not _is_plain(name, leaf):
            self._admit(name)
        self._last, self._leaf = name, leaf
        # What follows a folder is never beside what would lie in it.
        self._folder = folder if leaf else None

    def _admit(self, name: str) -> None:
        parts = _safe_parts(name)
        last = sort_key(self._last) if self._last else []
        if parts <= last:
            raise ValueError(
                _("appears twice") if parts == last else _("is out of order")
            )
        if last and parts[: len(last)] == last:
            raise ValueError(_("lies inside another member"))


def _is_plain(name: str, leaf: str) -> bool:
    """Tell whether a name is surely safe if its neighbour in the folder is."""
    return (
        leaf[:1] > "."
        and name.isascii()
        and leaf.isprintable()
        and not ("\\" in leaf or ":" in leaf)
        and len(name) <= MAX_NAME
    )


def _safe_parts(name: str) -> list[str]:
    _require_clean_text(name)
    parts = name.split("/")
    if not parts[-1]:
        parts.pop()
    if "" in parts or "." in parts or ".." in parts:
        raise ValueError(_("is not a plain relative path"))
    if len(parts) > MAX_DEPTH:
        raise ValueError(_("lies in too many folders"))
    _require_known_place(name, parts)
    return parts


def _require_clean_text(name: str) -> None:
    if "\0" in name:
        raise ValueError(_("holds a NUL character"))
    if not name.isascii():
        _require_reversible(name)
    if len(name) > MAX_NAME:
        raise ValueError(_("is too long a name"))
    # On POSIX a backslash is an ordinary character that an upload may carry;
    # only what would climb on another system is refused there.
    if "\\" in name and (os.name == "nt" or ".." in name.replace("\\", "/").split("/")):
        raise ValueError(_("uses backslashes as a path would"))
    if os.name == "nt" and ":" in name:
        raise ValueError(_("holds a colon, which names a drive"))


def _require_reversible(name: str) -> None:
    try:
        raw = encode_name(name)
    except UnicodeEncodeError:
        raise ValueError(_("is not a name that a file can have")) from None
    # Escapes that spell valid UTF-8 would come back as another name.
    if decode_name(raw) != name:
        raise ValueError(_("is not a name that a file can have"))
    if len(raw) > MAX_NAME:
        raise ValueError(_("is too long a name"))


def _require_known_place(name: str, parts: list[str]) -> None:
    if len(parts) < 2 or parts[0] not in _TOPS:
        raise ValueError(_("is neither a database nor a media file"))
    if parts[0] == "databases" and (len(parts) != 2 or name.endswith("/")):
        raise ValueError(_("is not the name of a database"))
