"""The rules of archive names, which are also their keys in the storage.

Source: PocketBase's Backups API. A name asked for is strict; an uploaded file
keeps the name that it came with, as long as that is safe as a path.
"""

import re
from datetime import UTC, datetime

CREATE_PATTERN = re.compile(r"[a-z0-9_-]+\.zip")
MAX_CREATE_LENGTH = 150
MAX_KEY_BYTES = 255

MANUAL_PREFIX = "pb_backup_"
SAFETY_PREFIX = "@before_restore_"
AUTOMATIC_PREFIX = "@auto_pb_backup_"

NOT_A_WORD = re.compile(r"[^A-Za-z0-9_]+|_+")
INNER_CAPITAL = re.compile(r"(?<=[^A-Z_])(?=[A-Z])")


def snake_case(text: str) -> str:
    """Return *text* in lower case ASCII words joined by ``_``."""
    words = (word for word in NOT_A_WORD.split(text) if word)
    return "_".join(INNER_CAPITAL.sub("_", word) for word in words).lower()


def generate_key(
    site_name: str, *, prefix: str = MANUAL_PREFIX, serial: int = 1
) -> str:
    """Return a key such as ``pb_backup_acme_20261123182547.zip``.

    *serial* above 1 is appended, for a second archive in the same second.
    """
    stamp = f"{datetime.now(UTC):%Y%m%d%H%M%S}"
    suffix = f"_{serial}" if serial > 1 else ""
    return f"{prefix}{snake_case(site_name)[:50]}_{stamp}{suffix}.zip"


def is_create_name(name: str) -> bool:
    """Whether a backup may be given *name* by whoever asks for it."""
    return len(name) <= MAX_CREATE_LENGTH and bool(CREATE_PATTERN.fullmatch(name))


def is_automatic(key: str) -> bool:
    """Whether *key* is one that the schedule gives."""
    return key.startswith(AUTOMATIC_PREFIX)


def is_safety_copy(key: str) -> bool:
    """Whether *key* is one that a restore gives to the state that it replaces."""
    return key.startswith(SAFETY_PREFIX)


def is_safe_key(key: str) -> bool:
    """Whether *key* may name a stored file: a relative path that stays inside.

    Keys from the outside are checked here before any storage sees them.
    """
    parts = key.split("/")
    return (
        bool(key)
        and key.isprintable()
        and "\\" not in key
        and not any(part in ("", ".", "..") for part in parts)
        and all(len(part.encode("utf-8", "replace")) <= MAX_KEY_BYTES for part in parts)
    )
