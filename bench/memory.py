"""How much more memory an archive with more files needs."""

from collections.abc import Sequence
from pathlib import Path

from bench.contestant import Contestant
from bench.measure import Run
from bench.peers import task
from bench.race import race
from bench.report import Table
from bench.site import ROOT

COUNTS = (10_000, 100_000)
MILLION = 1_000_000
PEER = "zipfile"


def measure_growth(counts: Sequence[int], work: Path) -> dict[str, dict[int, int]]:
    """Return who → number of files → most bytes of memory."""
    work.mkdir(parents=True, exist_ok=True)
    found: dict[str, dict[int, int]] = {}
    tiny = work / "tiny.txt"
    tiny.write_bytes(b"tiny")
    for count in counts:
        ours, theirs = work / f"ours-{count}.zip", work / f"theirs-{count}.zip"
        contestants = {
            "ours, write": task("write-copies", count, tiny, ours),
            f"{PEER}, write": task("zip-copies", count, tiny, theirs),
            "ours, names of all members": task("read", ours),
            f"{PEER}, names of all members": task("infolist", theirs),
            "ours, verify": task("verify", ours),
            f"{PEER}, testzip": task("testzip", theirs),
        }
        label = f"memory, {count:,} files"
        for name, words in contestants.items():
            run = Run(words, ROOT)
            contestant = Contestant(name, lambda _work, run=run: run)  # type: ignore[misc]
            results = race([contestant], rounds=1, warm=(), work=work, label=label)
            for figures in results.figures.get(name, []):
                found.setdefault(name, {})[count] = figures.memory
        ours.unlink(missing_ok=True)
        theirs.unlink(missing_ok=True)
    return found


def growth_table(found: dict[str, dict[int, int]], counts: Sequence[int]) -> Table:
    names = [f"MB at {count:,} files" for count in counts]
    lines = [
        [
            who,
            *(
                f"{memory[count] / 1e6:.1f}" if count in memory else "–"
                for count in counts
            ),
            bytes_per_file(memory),
        ]
        for who, memory in found.items()
    ]
    title = "memory by the number of files, peak of the process tree (PSS)"
    return Table(title, ("what", *names, "bytes a file"), lines)


def bytes_per_file(memory: dict[int, int]) -> str:
    """Return the growth between the fewest and the most files."""
    few, many = min(memory), max(memory)
    if few == many:
        return "–"
    return f"{(memory[many] - memory[few]) / (many - few):.0f}"
