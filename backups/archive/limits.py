"""How much a reader is willing to take on."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds for archives of unknown origin."""

    max_members: int = 10_000_000
    """Most files and folders."""
    max_bytes: int = 1 << 44
    """Most uncompressed bytes of all members together."""
    max_manifest: int = 4 << 20
    """Most bytes of manifest.json."""
    max_line: int = 4 << 20
    """Most bytes of one line of members.jsonl."""
    max_ratio: int = 1100
    """Most uncompressed bytes for one compressed byte; deflate reaches 1032."""
