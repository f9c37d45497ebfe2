"""The archive format: one plain zip that holds a whole site; see docs/format.md."""

from backups.durability import sync_tree

from .byte_source import ByteSource, FileSource, SeekableSource
from .limits import Limits
from .member import FORMAT, Member
from .memory import reuse_memory
from .names import sort_key
from .reader import ArchiveReader
from .sources import Source
from .writer import ArchiveSummary, ArchiveWriter

__all__ = [
    "FORMAT",
    "ArchiveReader",
    "ArchiveSummary",
    "ArchiveWriter",
    "ByteSource",
    "FileSource",
    "Limits",
    "Member",
    "SeekableSource",
    "Source",
    "reuse_memory",
    "sort_key",
    "sync_tree",
]
