"""Downloads and uploads of a large archive, over HTTP on loopback."""

import contextlib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

from bench.contestant import Contestant, needs
from bench.measure import Run
from bench.peers import shell
from bench.servers import LiveSite
from bench.site import ROOT, Site

SIZE = 1_400_000_000
BLOCK = 1 << 20
KEY = "large.zip"
UPLOADED = "uploaded.zip"
DOWNLOAD = "ours, GET of the archive by curl"
UPLOAD = "ours, POST of a form by curl"
CURL = ("curl", "--silent", "--show-error", "--fail")


def make_large_archive(path: Path, size: int) -> None:
    """Write a zip of about *size* bytes, unless it is there."""
    if path.exists() and abs(path.stat().st_size - size) < BLOCK * 2:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    block = Random(1).randbytes(BLOCK)
    with (
        zipfile.ZipFile(path, "w") as archive,
        archive.open("media/film.mp4", "w", force_zip64=True) as member,
    ):
        for _ in range(size // BLOCK):
            member.write(block)


def downloaders(live: LiveSite, address: str, process: int) -> list[Contestant]:
    """Return our server and nginx, asked for the same file by the same client."""

    def ours(work: Path) -> Run:
        return download(live.download_address(KEY), live.process)

    def theirs(work: Path) -> Run:
        return download(f"{address}/{KEY}", process)

    name = "nginx, sendfile, by curl"
    peer = (
        needs("curl", Contestant(name, theirs))
        if address
        else Contestant.absent(name, "nginx is not installed")
    )
    return [needs("curl", Contestant(DOWNLOAD, ours)), peer]


def download(address: str, process: int) -> Run:
    return Run([*CURL, "--output", "/dev/null", address], ROOT, servers=(process,))


def uploaders(live: LiveSite, site: Site) -> list[Contestant]:
    """Return our server, and a copy that is as durable, to the same disk."""
    archive = site.backups / KEY
    uploaded = site.backups / UPLOADED

    def ours(work: Path) -> Run:
        return Run(
            [
                *CURL,
                *("--header", f"Authorization: {live.token}"),
                *("--form", f"file=@{archive};filename={UPLOADED}"),
                f"{live.address}/api/backups/upload",
            ],
            ROOT,
            result=uploaded,
            servers=(live.process,),
            watched=(site.workspace, work),
        )

    def copy(work: Path) -> Run:
        words = shell('cp "$0" "$1" && sync "$1"', archive, uploaded)
        return Run(words, ROOT, result=uploaded, watched=(work,))

    def clean() -> None:
        uploaded.unlink(missing_ok=True)

    return [
        needs("curl", Contestant(UPLOAD, ours, clean)),
        needs("cp", Contestant("cp, then fsync (the limit)", copy, clean)),
    ]


@contextlib.contextmanager
def large_site(folder: Path, size: int) -> Iterator[Site]:
    """Yield a site whose store holds one large archive."""
    site = Site(folder)
    if not site.database.exists():
        site.install()
    make_large_archive(site.backups / KEY, size)
    try:
        yield site
    finally:
        (site.backups / KEY).unlink(missing_ok=True)
