"""Lets contestants run in turn, round by round, on the same warm data."""

import dataclasses
import os
import random
import shutil
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.contestant import Contestant, Unavailable
from bench.measure import Figures, Run, measure
from bench.processes import busy_seconds

QUIET = 0.3
PATIENCE = 5.0
BLOCK = 1 << 20
RUN = "run-"


@dataclass
class Results:
    """All figures of one race."""

    figures: dict[str, list[Figures]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    """Who could not be run or failed, and why."""


def race(
    contestants: Sequence[Contestant],
    *,
    rounds: int,
    warm: Iterable[Path],
    work: Path,
    label: str,
    deletes_late: bool = False,
) -> Results:
    """Run everyone once a round, each round beginning with the next one.

    *deletes_late* keeps what they made to the end: some file systems make very
    many files far slower after as many were deleted.
    """
    results = Results(missing={c.name: c.missing for c in contestants if c.missing})
    for number in range(rounds):
        first = number % len(contestants)
        for contestant in (*contestants[first:], *contestants[:first]):
            if contestant.name in results.missing:
                continue
            try:
                figures = run_once(contestant, warm, work, deletes_late)
            except Unavailable as why:
                results.missing[contestant.name] = str(why)
                continue
            show(label, number, contestant, figures)
            if figures.error:
                results.missing[contestant.name] = figures.error
                results.figures.pop(contestant.name, None)
            else:
                results.figures.setdefault(contestant.name, []).append(figures)
    for folder in work.glob(f"{RUN}*"):
        shutil.rmtree(folder)
    return results


def run_once(
    contestant: Contestant, warm: Iterable[Path], work: Path, deletes_late: bool
) -> Figures:
    folder = work / f"{RUN}{random.getrandbits(32):08x}"
    (folder / "tmp").mkdir(parents=True)
    try:
        contestant.clean()
        planned = contestant.plan(folder)
        touch_memory(folder / "touched", sum(read_all(path) for path in warm))
        os.sync()
        wait_for_quiet()
        return measure(with_temporary(planned, folder / "tmp"), work / "last.log")
    finally:
        contestant.clean()
        if not deletes_late:
            shutil.rmtree(folder)


def with_temporary(run: Run, folder: Path) -> Run:
    """Let everything temporary be made on the same disk, where it is seen."""
    environment = {**run.environment, "TMPDIR": str(folder)}
    return dataclasses.replace(run, environment=environment)


def touch_memory(place: Path, size: int) -> None:
    """Make the system use as much free memory as a run on *size* bytes may need.

    A virtual machine may have to get pages that were free for long back from its
    host, which costs several times as much as all that is done with them.
    """
    block = bytes(BLOCK)
    available = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with place.open("wb") as file:
        for _ in range(min(2 * size, available // 2) // BLOCK):
            file.write(block)
    place.unlink()


def read_all(path: Path) -> int:
    """Bring a file, or all files of a folder, into the page cache; return its bytes."""
    buffer = bytearray(BLOCK)
    size = 0
    paths = [str(path)] if path.is_file() else files_below(path)
    for name in paths:
        file = os.open(name, os.O_RDONLY)
        while count := os.readv(file, [buffer]):
            size += count
        os.close(file)
    return size


def files_below(folder: Path) -> Iterable[str]:
    for root, _, names in os.walk(folder):
        yield from (os.path.join(root, name) for name in names)


def wait_for_quiet() -> None:
    """Wait, for a while, until the others on this machine do little."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        busy, own, start = busy_seconds(), time.process_time(), time.monotonic()
        time.sleep(0.3)
        others = busy_seconds() - busy - (time.process_time() - own)
        if others / (time.monotonic() - start) < QUIET:
            return


def show(label: str, number: int, contestant: Contestant, figures: Figures) -> None:
    what = figures.error or (
        f"{figures.wall:8.3f} s  cpu {figures.cpu:8.3f} s"
        f"  {figures.memory / 1e6:6.0f} MB  foreign {figures.foreign:4.0%}"
    )
    print(f"  {label}, round {number + 1}: {contestant.name:34} {what}", flush=True)
