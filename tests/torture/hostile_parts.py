"""An archive taken apart, so that any part of it can be bent before it is rebuilt."""

import dataclasses
import hashlib
import random
import zlib
from collections.abc import Callable
from typing import Any

from backups.archive import ArchiveReader, sort_key
from backups.archive.layout import local_header
from backups.archive.member import DEFLATED, STORED
from tests.unit.archive.handmade import Archive, Bytes, Entry, deflate, entry, same

__all__ = ["Bytes", "Crafted", "Edit", "deflate", "entry", "replace_content"]

Edit = Callable[[bytes], bytes]


@dataclasses.dataclass
class Crafted(Archive):
    """An archive of which the text of the manifest can be bent as well."""

    edit_manifest: Edit = same

    @classmethod
    def take_apart(cls, data: bytes) -> "Crafted":
        with ArchiveReader(Bytes(data)) as reader:
            entries = []
            for member in reader.members():
                start = member.offset + len(local_header(member))
                entries.append(Entry(member, data[start : start + member.packed]))
            manifest = dict(reader.manifest)
        del manifest["format"], manifest["members"]
        return cls(entries, manifest)

    def _manifest(self, listing: bytes) -> bytes:
        return self.edit_manifest(super()._manifest(listing))

    def sort(self) -> None:
        self.entries.sort(key=lambda item: sort_key(item.member.name))

    def find(self, name: str) -> Entry:
        return next(item for item in self.entries if item.member.name == name)

    def pick(self, rng: random.Random, *, files: bool = False) -> Entry:
        """Return one of the members, databases included."""
        found = [e for e in self.entries if not (files and e.member.is_folder)]
        return rng.choice(found)

    def add(self, item: Entry) -> None:
        self.entries.append(item)
        self.sort()


def change_member(item: Entry, **fields: Any) -> None:
    """Change what every record says of a member, consistently."""
    item.member = item.member._replace(**fields)


def replace_content(item: Entry, content: bytes, *, method: int = DEFLATED) -> None:
    """Give a member another content, with all sizes and digests to match."""
    packed = deflate(content) if method == DEFLATED else content
    item.data = packed
    change_member(
        item,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        crc=zlib.crc32(content),
        method=method,
        packed=len(packed),
        streamed=False,
        wide=False,
        block=0,
        blocks=(),
    )


def content_of(item: Entry) -> bytes:
    if item.member.method == STORED:
        return item.data
    return zlib.decompress(item.data, -15)
