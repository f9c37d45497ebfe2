"""What is measured in a process of its own and is no program already.

    python -m bench.tasks write SITE ARCHIVE [--fsync]
    python -m bench.tasks verify|testzip ARCHIVE
    python -m bench.tasks extract|unzip ARCHIVE FOLDER
    python -m bench.tasks zip LEVEL ARCHIVE PATH…
    python -m bench.tasks write-copies|zip-copies COUNT FILE ARCHIVE
    python -m bench.tasks read|infolist ARCHIVE

Each imports only what it needs: what starts slowly is measured as well.
"""

import os
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backups.archive import Source


def write(site: str, archive: str, fsync: str = "") -> None:
    """Write an archive of a site by the product's own writer, without Django."""
    from backups.archive import ArchiveWriter, reuse_memory

    reuse_memory()

    root = Path(site)
    spool = Path(tempfile.gettempdir())
    with (
        open(archive, "wb", buffering=0) as sink,
        ArchiveWriter(sink, spool_dir=spool) as writer,
    ):
        writer.add_file("databases/default.sqlite3", root / "db.sqlite3")
        writer.add_files(_sources(str(root / "media"), "media/"), on_skip=_refuse)
        writer.finish({"made by": "the benchmark"})
        if fsync:
            os.fsync(sink.fileno())


def _sources(folder: str, prefix: str) -> "Iterator[Source]":
    from backups.archive import Source

    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            name = prefix + entry.name
            if entry.is_dir():
                yield from _sources(entry.path, f"{name}/")
            else:
                yield Source(name, entry.path)


def _refuse(name: str, reason: str) -> None:
    raise SystemExit(f"{name} was left out: {reason}")


def verify(archive: str) -> None:
    from backups.archive import ArchiveReader, reuse_memory

    reuse_memory()

    with ArchiveReader(archive) as reader:
        reader.verify()


def extract(archive: str, folder: str) -> None:
    from backups.archive import ArchiveReader, reuse_memory

    reuse_memory()

    target = Path(folder)
    with ArchiveReader(archive) as reader:
        reader.extract(lambda name: target / name)


def read(archive: str) -> None:
    """Read the names of all members, one by one."""
    from backups.archive import ArchiveReader, reuse_memory

    reuse_memory()

    with ArchiveReader(archive) as reader:
        for _member in reader.members():
            pass


def write_copies(count: str, file: str, archive: str) -> None:
    """Write the same file under very many names."""
    from backups.archive import ArchiveWriter, Source, reuse_memory

    reuse_memory()

    spool = Path(tempfile.gettempdir())
    with (
        open(archive, "wb", buffering=0) as sink,
        ArchiveWriter(sink, spool_dir=spool) as writer,
    ):
        names = _many_names(int(count))
        writer.add_files((Source(name, file) for name in names), on_skip=_refuse)
        writer.finish({"made by": "the benchmark"})


def _many_names(count: int) -> Iterator[str]:
    for number in range(count):
        yield f"media/{number // 1000:05}/an-upload-{number:08}.txt"


def zip_copies(count: str, file: str, archive: str) -> None:
    """Do the same as ``write_copies`` by Python's zipfile."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as sink:
        for name in _many_names(int(count)):
            sink.write(file, name)


def infolist(archive: str) -> None:
    with zipfile.ZipFile(archive) as source:
        source.infolist()


def testzip(archive: str) -> None:
    with zipfile.ZipFile(archive) as source:
        if damaged := source.testzip():
            raise SystemExit(f"{damaged} is damaged")


def unzip(archive: str, folder: str) -> None:
    with zipfile.ZipFile(archive) as source:
        source.extractall(folder)


def zip_paths(level: str, archive: str, *paths: str) -> None:
    with zipfile.ZipFile(
        archive, "w", zipfile.ZIP_DEFLATED, compresslevel=int(level)
    ) as sink:
        for path in paths:
            if os.path.isfile(path):
                sink.write(path)
            for root, _, names in os.walk(path):
                for name in names:
                    sink.write(os.path.join(root, name))


TASKS: dict[str, Callable[..., None]] = {
    "write": write,
    "verify": verify,
    "extract": extract,
    "read": read,
    "write-copies": write_copies,
    "zip-copies": zip_copies,
    "infolist": infolist,
    "testzip": testzip,
    "unzip": unzip,
    "zip": zip_paths,
}

if __name__ == "__main__":
    TASKS[sys.argv[1]](*sys.argv[2:])
