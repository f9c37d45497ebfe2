"""Tell a plain zip from other files, and from formats that are zips inside.

Source: PocketBase judges an upload by its first bytes only; so do we, since
whether it is an archive of ours is decided when somebody wants to restore it.
"""

import re
import struct
from collections.abc import Iterator

SNIFFED_BYTES = 3072

ZIP_START = re.compile(rb"PK[\x03\x05\x07][\x04\x06\x08]")
LOCAL_HEADER = b"PK\x03\x04"
NAME_LENGTHS = struct.Struct("<26xHH")
STARTS_OF_OTHERS = (
    b"word/",
    b"xl/",
    b"ppt/",
    b"visio/",
    b"META-INF/MANIFEST.MF",
    b"AndroidManifest.xml",
    b"doc.kml",
)
DECLARED_TYPES = (b"application/epub+zip", b"application/vnd.")


def is_plain_zip(head: bytes) -> bool:
    """Whether *head* begins a zip file that is nothing else."""
    return bool(ZIP_START.match(head)) and not is_other_format(head)


def is_other_format(head: bytes) -> bool:
    """Whether the first members are those of a document or a program."""
    for name, content in first_members(head):
        if name.startswith(STARTS_OF_OTHERS):
            return True
        if name == b"mimetype" and content.startswith(DECLARED_TYPES):
            return True
    return False


def first_members(head: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and following bytes of each member that *head* shows."""
    position = head.find(LOCAL_HEADER)
    while 0 <= position <= len(head) - 30:
        name_length, extra_length = NAME_LENGTHS.unpack_from(head, position)
        start = position + 30
        end = start + name_length
        yield head[start:end], head[end + extra_length :]
        position = head.find(LOCAL_HEADER, end)
