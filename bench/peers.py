"""What a user would pick instead, to pack a site and to read an archive."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from bench.contestant import Contestant, needs
from bench.dataset import Dataset
from bench.dbbackup import get_dbbackup
from bench.measure import Run
from bench.restic import get_restic
from bench.site import ROOT

SAVED = ("db.sqlite3", "media")
"""What of a site belongs into a backup."""

Pack = Callable[[Path], list[str]]


def packers(data: Dataset, folder: Path) -> list[Contestant]:
    """Return everyone who can save a whole site."""
    tar = "set -o pipefail; tar -cf - db.sqlite3 media |"
    zstd = f'{tar} zstd -q -1 -T0 -o "$0"'
    copy = ["cp", "-r", *SAVED]

    def packer(program: str, name: str, pack: Pack) -> Contestant:
        return needs(program, Contestant(name, lambda work: plan(work, pack)))

    def plan(work: Path, pack: Pack) -> Run:
        # zip and 7z append an ending to a name that has none.
        result = work / "out.archive"
        return Run(
            pack(result),
            data.site.folder,
            os.environ | {"PYTHONPATH": str(ROOT)},
            result=result,
            watched=(work / "tmp",),
        )

    def copied(result: Path) -> list[str]:
        result.mkdir()
        return [*copy, str(result)]

    def copied_and_synced(result: Path) -> list[str]:
        result.mkdir()
        return shell(f'{" ".join(copy)} "$0" && sync -f "$0"', result)

    return [
        packer(
            "zip", "zip -1", lambda out: ["zip", "-q", "-r", "-1", f"{out}", *SAVED]
        ),
        packer(
            "zip", "zip -0", lambda out: ["zip", "-q", "-r", "-0", f"{out}", *SAVED]
        ),
        packer(
            "7z", "7z -mx1", lambda out: [*SEVEN, "a", "-t7z", "-mx1", f"{out}", *SAVED]
        ),
        packer("zstd", ZSTD, lambda out: shell(zstd, out)),
        packer(
            "zstd", f"{ZSTD}, then sync", lambda out: shell(f'{zstd} && sync "$0"', out)
        ),
        packer(
            "pigz", "tar to pigz -1", lambda out: shell(f'{tar} pigz -1 >"$0"', out)
        ),
        packer("python3", "zipfile, level 1", lambda out: task("zip", 1, out, *SAVED)),
        packer("python3", "zipfile, level 6", lambda out: task("zip", 6, out, *SAVED)),
        get_dbbackup(data.site, folder),
        get_restic(data.site),
        packer("cp", COPY, copied),
        packer("cp", "cp -r, then sync", copied_and_synced),
    ]


SEVEN = ("7z", "-bso0", "-bsp0")
ZSTD = "tar to zstd -1 -T0"
COPY = "cp -r (the limit)"


def task(name: str, *arguments: object) -> list[str]:
    """Return the command that runs one of our tasks."""
    return [sys.executable, "-m", "bench.tasks", name, *map(str, arguments)]


def shell(script: str, *arguments: object) -> list[str]:
    """Return the command of a script whose $0, $1 … are *arguments*."""
    return ["bash", "-c", script, *map(str, arguments)]


def provers(archive: Path) -> list[Contestant]:
    """Return everyone who can prove that a zip is whole."""
    commands = {
        "unzip -t": ["unzip", "-tqq", f"{archive}"],
        "7z t": [*SEVEN, "t", f"{archive}"],
        "zipfile, testzip": task("testzip", archive),
    }
    return [
        needs(command[0], Contestant(name, lambda work, c=command: Run(c, ROOT)))  # type: ignore[misc]
        for name, command in commands.items()
    ]


def unpackers(archive: Path, data: Dataset) -> list[Contestant]:
    """Return everyone who can unpack a zip into a new folder."""

    def unpacker(name: str, command: Callable[[str], list[str]]) -> Contestant:
        def plan(work: Path) -> Run:
            target = work / "out"
            target.mkdir()
            return Run(command(f"{target}"), ROOT, result=target)

        return needs(command("")[0], Contestant(name, plan))

    saved = [f"{data.site.folder / name}" for name in SAVED]
    return [
        unpacker("unzip", lambda out: ["unzip", "-qq", f"{archive}", "-d", out]),
        unpacker("bsdtar -x", lambda out: ["bsdtar", "-xf", f"{archive}", "-C", out]),
        unpacker("7z x", lambda out: [*SEVEN, "x", f"-o{out}", f"{archive}"]),
        unpacker("zipfile, extractall", lambda out: task("unzip", archive, out)),
        unpacker(COPY, lambda out: ["cp", "-r", *saved, out]),
    ]
