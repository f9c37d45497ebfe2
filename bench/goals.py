"""What was to be reached, and how far it was."""

import statistics
from dataclasses import dataclass

from bench import ours, transfer
from bench.jobs import Bench
from bench.list_task import LIMIT
from bench.peers import ZSTD
from bench.report import Comparison, Table

ZIP = "zip -1"
DBBACKUP = "django-dbbackup -z"


@dataclass(frozen=True)
class Ratio:
    """The peer shall take at least so many times as long as ours."""

    job: str
    kind: str
    peer: str
    wanted: float


RATIOS = (
    Ratio("create", "site-m", ZIP, 5),
    Ratio("create", "site-m", DBBACKUP, 15),
    Ratio("create", "site-m", ZSTD, 1),
    Ratio("writer", "site-m", ZIP, 8),
    Ratio("writer", "site-m", "zipfile, level 1", 9),
    Ratio("writer", "site-m", ZSTD, 1.4),
    Ratio("writer", "many", ZIP, 2.5),
    Ratio("verify", "site-m", "unzip -t", 3),
    Ratio("verify", "site-m", "7z t", 2),
    Ratio("stage", "site-m", "unzip", 2),
    Ratio("stage", "site-m", "bsdtar -x", 1.2),
    Ratio("download", "", "nginx, sendfile, by curl", 0.7),
)
MEMORY = 150e6
MICROSECONDS = 60
UPLOAD_RATE = 500e6
LIST_CPU_MS = 5


def goals_table(bench: Bench) -> Table:
    lines: list[list[str]] = []
    for goal in RATIOS:
        for found in of(bench, goal.job, goal.kind):
            if ratios := found.ratios(goal.peer):
                reached = statistics.median(ratios)
                what = f"{found.job}, {found.site}: times as fast as {goal.peer}"
                lines.append(verdict(what, reached, goal.wanted, least=True))
    for found in of(bench, "create", "site-m"):
        memory = max((run.memory for run in found.figures(ours.CREATE)), default=0)
        what = f"create, {found.site}: peak memory, MB"
        lines.append(verdict(what, memory / 1e6, MEMORY / 1e6))
        extra = max((run.extra_disk for run in found.figures(ours.CREATE)), default=0)
        lines.append(
            [f"create, {found.site}: extra disk, MB", SQLITE, f"{extra / 1e6:.0f}", ""]
        )
    for found in of(bench, "writer", "many"):
        if cpu := found.median(ours.WRITER, "cpu"):
            what = f"writer, {found.site}: CPU µs a file"
            lines.append(verdict(what, cpu / found.files * 1e6, MICROSECONDS))
    for found in of(bench, "upload", ""):
        if wall := found.median(transfer.UPLOAD):
            rate = found.bytes / wall / 1e6
            lines.append(verdict("upload: MB/s", rate, UPLOAD_RATE / 1e6, least=True))
    lines += list_goals(bench)
    return Table("Goals", ("what", "wanted", "found", "reached"), lines)


SQLITE = "≤ the SQLite files"


def of(bench: Bench, job: str, kind: str) -> list[Comparison]:
    return [
        found
        for found in bench.comparisons
        if found.job == job and found.site.startswith(kind)
    ]


def verdict(
    what: str, found: float, wanted: float, *, least: bool = False
) -> list[str]:
    is_reached = found >= wanted if least else found <= wanted
    sign = "≥" if least else "≤"
    return [what, f"{sign} {wanted:g}", f"{found:.2f}", "yes" if is_reached else "no"]


def list_goals(bench: Bench) -> list[list[str]]:
    lines = []
    for item in bench.listings:
        if item.get("count") == 1000 and item["operation"] != LIMIT:
            what = f"{item['operation']}, 1,000 archives in {item['place']}"
            cpu = statistics.median(item["cpu"]) * 100
            lines.append(verdict(f"{what}: storage listings", item["listings"], 1))
            lines.append(verdict(f"{what}: CPU ms per 100", cpu, LIST_CPU_MS))
    return lines
