"""The jobs: who runs against whom, over which data."""

import contextlib
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import memory, ours, peers, transfer
from bench.contestant import Contestant
from bench.dataset import Dataset
from bench.listing import listing_table, measure_listings
from bench.race import Results, race
from bench.report import Comparison, Table
from bench.servers import gunicorn, nginx
from bench.site import ROOT, Site


@dataclass
class Bench:
    """One run of the benchmark: its options, and what it has found."""

    folder: Path
    rounds: int
    scale: float
    only: Sequence[str]
    """Parts of names; contestants that have none of them do not run."""
    memory_counts: Sequence[int]
    comparisons: list[Comparison] = field(default_factory=list)
    listings: list[dict[str, Any]] = field(default_factory=list)
    growth: dict[str, dict[int, int]] = field(default_factory=dict)

    @property
    def work(self) -> Path:
        return self.folder / "work"

    def race(
        self,
        label: str,
        contestants: Sequence[Contestant],
        warm: Sequence[Path],
        **options: bool,
    ) -> Results:
        self.work.mkdir(parents=True, exist_ok=True)
        chosen = [c for c in contestants if self._is_wanted(c.name)]
        return race(
            chosen,
            rounds=self.rounds,
            warm=warm,
            work=self.work,
            label=label,
            **options,
        )

    def _is_wanted(self, name: str) -> bool:
        is_ours = name.startswith("ours")
        return is_ours or not self.only or any(part in name for part in self.only)

    def as_json(self) -> dict[str, Any]:
        return {
            "rounds": self.rounds,
            "comparisons": [found.as_json() for found in self.comparisons],
            "list": self.listings,
            "memory": self.growth,
        }

    def tables(self) -> list[Table]:
        found = [comparison.table() for comparison in self.comparisons]
        if self.listings:
            found.append(listing_table(self.listings))
        if self.growth:
            found.append(memory.growth_table(self.growth, self.memory_counts))
        return found


SITE_JOBS = ("create", "writer", "verify", "stage", "restore")
OTHER_JOBS = ("list", "http", "memory")
JOBS = (*SITE_JOBS, *OTHER_JOBS)


def run_site_jobs(bench: Bench, data: Dataset, jobs: Sequence[str]) -> None:
    """Run those of *jobs* that are about one site."""
    if "create" in jobs or "writer" in jobs:
        run_create(bench, data, jobs)
    if {"verify", "stage", "restore"} & set(jobs):
        archive = ours.make_archive(data)
        try:
            require_sound(archive)
            if "verify" in jobs:
                run_verify(bench, data, archive)
            if "stage" in jobs:
                run_stage(bench, data, archive)
            if "restore" in jobs:
                run_restore(bench, data, archive)
        finally:
            archive.unlink(missing_ok=True)


def run_create(bench: Bench, data: Dataset, jobs: Sequence[str]) -> None:
    """Save the site by everyone; the peers run once for both jobs."""
    rivals = peers.packers(data, bench.folder)
    own = [ours.creator(data)] if "create" in jobs else []
    if "writer" in jobs:
        own += ours.writers(data)
    warm = (data.site.database, data.site.media)
    results = bench.race(f"create {data.name}", [*own, *rivals], warm)
    names = [contestant.name for contestant in rivals]
    if "create" in jobs:
        what = "the whole command, from Django's start to the last fsync"
        chosen = [ours.CREATE, *names]
        add(bench, "create", data, what, chosen, results)
    if "writer" in jobs:
        what = "the archive writer alone"
        chosen = [ours.WRITER, ours.WRITER_SYNCED, *names]
        add(bench, "writer", data, what, chosen, results)


def run_verify(bench: Bench, data: Dataset, archive: Path) -> None:
    contestants = [*ours.verifiers(data, archive), *peers.provers(archive)]
    results = bench.race(f"verify {data.name}", contestants, (archive,))
    names = [contestant.name for contestant in contestants]
    what = "read and prove the archive; ours by SHA-256 as well"
    add(bench, "verify", data, what, names, results)


def run_stage(bench: Bench, data: Dataset, archive: Path) -> None:
    require_same(bench, data, archive)
    contestants = [ours.stager(archive), *peers.unpackers(archive, data)]
    warm = (archive, data.site.database, data.site.media)
    space = shutil.disk_usage(bench.folder).free
    results = bench.race(
        f"stage {data.name}",
        contestants,
        warm,
        deletes_late=data.is_many
        and space > 2 * bench.rounds * len(contestants) * data.bytes,
    )
    names = [contestant.name for contestant in contestants]
    what = "prove the archive and unpack it to a new folder"
    add(bench, "stage", data, what, names, results)


def require_same(bench: Bench, data: Dataset, archive: Path) -> None:
    """Raise unless our reader brings back what is in the site."""
    bench.work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=bench.work) as name:
        folder = Path(name) / "same"
        subprocess.run(peers.task("extract", archive, folder), cwd=ROOT, check=True)
        subprocess.run(["diff", "-rq", folder / "media", data.site.media], check=True)
        address = f"file:{folder / 'databases' / 'default.sqlite3'}?mode=ro"
        with contextlib.closing(sqlite3.connect(address, uri=True)) as database:
            verdict = database.execute("PRAGMA integrity_check").fetchone()[0]
    if verdict != "ok":
        raise SystemExit(f"The restored database is damaged: {verdict}")


def run_restore(bench: Bench, data: Dataset, archive: Path) -> None:
    """Replace a copy of the site by its own backup."""
    folder = bench.folder / "live"
    site = ours.copy_site(data, folder)
    try:
        rivals = peers.unpackers(archive, data)
        some = [rival for rival in rivals if rival.name in ("unzip", peers.COPY)]
        contestants = [*ours.restorers(site), *some]
        warm = (archive, site.database, site.media)
        results = bench.race(f"restore {data.name}", contestants, warm)
        names = [contestant.name for contestant in contestants]
        what = "the whole command; the others only unpack"
        add(bench, "restore", data, what, names, results)
    finally:
        shutil.rmtree(folder)


def add(
    bench: Bench,
    job: str,
    data: Dataset,
    what: str,
    names: Sequence[str],
    results: Results,
) -> None:
    """Keep the results; the first of *names* is what the others are compared to."""
    comparison = Comparison(
        job,
        data.name,
        what,
        data.bytes,
        data.files,
        names[0],
        names,
        results,
        counts_files=data.is_many,
    )
    bench.comparisons.append(comparison)
    print(f"\n{comparison.table()}\n", flush=True)


def require_sound(archive: Path) -> None:
    """Raise CalledProcessError unless other tools open the archive, too."""
    for words in (
        ["unzip", "-tqq", f"{archive}"],
        ["7z", "t", "-bso0", "-bsp0", f"{archive}"],
        peers.task("testzip", archive),
    ):
        if shutil.which(words[0]):
            subprocess.run(words, cwd=ROOT, check=True)
    if shutil.which("bsdtar"):
        script = 'cat "$0" | bsdtar -tf - >/dev/null'
        subprocess.run(peers.shell(script, archive), check=True)


def run_other_jobs(bench: Bench, jobs: Sequence[str]) -> None:
    """Run those of *jobs* that bring their own data."""
    if "list" in jobs:
        bench.listings = measure_listings(bench.folder / "lists")
        print(f"\n{listing_table(bench.listings)}\n", flush=True)
        shutil.rmtree(bench.folder / "lists")
    if "http" in jobs:
        run_http(bench)
    if "memory" in jobs:
        bench.growth = memory.measure_growth(bench.memory_counts, bench.work)
        table = memory.growth_table(bench.growth, bench.memory_counts)
        print(f"\n{table}\n", flush=True)


def run_http(bench: Bench) -> None:
    size = int(transfer.SIZE * bench.scale)
    bench.work.mkdir(parents=True, exist_ok=True)
    with transfer.large_site(bench.folder / "http", size) as site:
        archive = site.backups / transfer.KEY
        data = Dataset(f"{size / 1e9:.1f} GB", site, 1, archive.stat().st_size)
        with downloading(bench, site) as contestants:
            results = bench.race("download", contestants, (archive,))
            names = [contestant.name for contestant in contestants]
            what = "on loopback, gunicorn with 2 workers; with the servers' CPU"
            add(bench, "download", data, what, names, results)
        with gunicorn(site, bench.work) as live:
            uploaders = transfer.uploaders(live, site)
            results = bench.race("upload", uploaders, (archive,))
            names = [contestant.name for contestant in uploaders]
            what = "on loopback, until it is durable; with the server's CPU"
            add(bench, "upload", data, what, names, results)


@contextlib.contextmanager
def downloading(bench: Bench, site: Site) -> Iterator[list[Contestant]]:
    with (
        gunicorn(site, bench.work) as live,
        nginx(site.backups, bench.work) as (address, process),
    ):
        yield transfer.downloaders(live, address, process)
