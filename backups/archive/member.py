"""What is known of one member, and the line that lists it."""

import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

FORMAT = 1
"""The version of the format that is written; see docs/format.md."""
BLOCK = 1 << 20
"""Bytes of a member that are compressed independently of the rest."""
WHOLE = 4 << 20
"""Most bytes of a member that is read and compressed as one."""
MAX_BLOCKS = 1 << 18
"""Most blocks that are listed; a larger member (256 GiB) is read as one stream."""
LARGEST = (1 << 63) - 1
"""Most bytes of a member, and latest time in nanoseconds."""
STORED = 0
DEFLATED = 8

_encode_text = json.encoder.encode_basestring_ascii
_SMALLEST_BLOCK, _LARGEST_BLOCK = 1 << 16, 1 << 22
# Most lines have this form, which is canonical by itself; matching it takes a
# tenth of the time that JSON and the comparison take. Folders, blocks and names
# with escapes go the long way.
_PLAIN_LINE = re.compile(
    rb'\{"name":"([ !#-.0-\[\]-~]+(?:/[ !#-.0-\[\]-~]+)*)",'
    rb'"size":(0|[1-9][0-9]{0,18}),"sha256":"([0-9a-f]{64})",'
    rb'"mtime_ns":(0|-?[1-9][0-9]{0,18}),"mode":(0|[1-9][0-9]{0,2})\}\n'
)


class Member(NamedTuple):
    """One file or empty folder of an archive."""

    name: str
    """Path with slashes; a folder's ends in a slash. May hold surrogate escapes."""
    size: int
    """Uncompressed bytes."""
    sha256: str
    """Hex digest of the uncompressed bytes; empty for a folder."""
    mtime_ns: int
    """Time of the last change, nanoseconds since 1970 (UTC)."""
    mode: int
    """Permission bits, at most 0o777."""
    method: int = STORED
    """STORED or DEFLATED."""
    crc: int = 0
    """CRC-32 of the uncompressed bytes."""
    packed: int = 0
    """Bytes of the compressed data in the archive."""
    offset: int = 0
    """Where the local header starts, in bytes from the start of the archive."""
    streamed: bool = False
    """Whether sizes and CRC follow the data instead of preceding it."""
    wide: bool = False
    """Whether a streamed member's descriptor holds 64-bit sizes."""
    block: int = 0
    """Uncompressed bytes of each listed block but the last; 0 without blocks."""
    blocks: Sequence[int] = ()
    """Compressed bytes of each block, in order."""

    @property
    def is_folder(self) -> bool:
        return self.name.endswith("/")


# The last fields of most members.
_WITHOUT_BLOCKS = (False, 0, ())


def format_line(member: Member) -> bytes:
    """Return the member's line of members.jsonl, with its newline."""
    name, size, sha256, mtime_ns, mode = member[:5]
    digest = f'"sha256":"{sha256}",' if sha256 else ""
    extra = ',"zip64":true' if member.wide else ""
    if member.block:
        sizes = ",".join(map(str, member.blocks))
        extra = f'{extra},"block":{member.block},"blocks":[{sizes}]'
    line = (
        f'{{"name":{_encode_text(name)},"size":{size},{digest}'
        f'"mtime_ns":{mtime_ns},"mode":{mode}{extra}}}\n'
    )
    return line.encode("ascii")


def parse_line(line: bytes, stored: tuple[Any, ...]) -> Member:
    """Return the member that a line lists.

    `stored` are its fields from `method` to `streamed`, which only the zip's
    records know. Raises ValueError unless the line is exactly what `format_line`
    makes of the member, so that two readers can never understand it in two ways.
    """
    plain = _PLAIN_LINE.fullmatch(line)
    if plain:
        name, size, sha256, mtime_ns, mode = plain.groups()
        fields = name.decode(), int(size), sha256.decode(), int(mtime_ns), int(mode)
        if fields[1] <= LARGEST and abs(fields[3]) <= LARGEST and fields[4] <= 0o777:
            return Member._make(fields + stored + _WITHOUT_BLOCKS)
    try:
        member = _member_from(json.loads(line.decode("ascii")))
        if format_line(member) == line:
            return Member._make(member[:5] + stored + member[10:])
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("not a member") from error
    raise ValueError("not in the form that this format prescribes")


def _member_from(fields: dict[str, Any]) -> Member:
    name, size, mtime_ns = fields["name"], fields["size"], fields["mtime_ns"]
    mode, sha256 = fields["mode"], fields.get("sha256", "")
    wide, block = fields.get("zip64", False), fields.get("block", 0)
    blocks = fields.get("blocks", ())
    if not (type(size) is type(mtime_ns) is type(mode) is type(block) is int):
        raise ValueError("a number is not an integer")
    if not (0 <= size <= LARGEST and -LARGEST <= mtime_ns <= LARGEST):
        raise ValueError("a number is out of range")
    if not 0 <= mode <= 0o777 or type(wide) is not bool:
        raise ValueError("a field is out of range")
    _require_digest(name, size, sha256)
    if block or blocks:
        _require_blocks(size, block, blocks)
    return Member(
        name, size, sha256, mtime_ns, mode, wide=wide, block=block, blocks=blocks
    )


def _require_digest(name: str, size: int, sha256: str) -> None:
    if name.endswith("/"):
        if size or sha256:
            raise ValueError("a folder has no content")
    elif len(sha256) != 64 or sha256.strip("0123456789abcdef"):
        raise ValueError("the digest is not one")


def _require_blocks(size: int, block: int, blocks: list[int]) -> None:
    if not _SMALLEST_BLOCK <= block <= _LARGEST_BLOCK:
        raise ValueError("the block size is out of range")
    if len(blocks) != -(-size // block) or len(blocks) > MAX_BLOCKS:
        raise ValueError("the number of blocks does not fit the size")
    # The most that sync flushes and stored blocks add is far below 1 %.
    most = block + block // 100
    if not all(type(n) is int and 0 < n <= most for n in blocks):
        raise ValueError("the size of a block is out of range")
