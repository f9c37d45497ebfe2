"""Tables of what was measured: one line for each contestant, ours is 1."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.measure import Figures
from bench.race import Results

NOISY = 0.15
"""From here on the wall time of a run says little; see README.md."""


@dataclass(frozen=True)
class Table:
    """A title, a line of names, and lines of cells."""

    title: str
    names: Sequence[str]
    lines: Sequence[Sequence[str]]
    remarks: Sequence[str] = ()

    def __str__(self) -> str:
        widths = [
            max(map(len, column))
            for column in zip(self.names, *self.lines, strict=True)
        ]
        rule = ["-" * width for width in widths[:1]]
        rule += ["-" * (width - 1) + ":" for width in widths[1:]]
        rows = [align(line, widths) for line in (self.names, rule, *self.lines)]
        return "\n".join([f"### {self.title}", "", *rows, "", *self.remarks])


def align(line: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(line, widths, strict=True)
    cells = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
    return f"| {' | '.join(cells)} |"


@dataclass(frozen=True)
class Comparison:
    """The results of one job with one site."""

    job: str
    site: str
    what: str
    bytes: int
    files: int
    reference: str
    contestants: Sequence[str]
    results: Results
    counts_files: bool = False
    """Whether the CPU time for each file is of interest."""

    def figures(self, name: str) -> list[Figures]:
        return self.results.figures.get(name, [])

    def median(self, name: str, attribute: str = "wall") -> float | None:
        values = [getattr(figures, attribute) for figures in self.figures(name)]
        return statistics.median(values) if values else None

    def ratios(self, name: str, attribute: str = "wall") -> list[float]:
        """Return *name* over the reference, round by round."""
        pairs = zip(self.figures(name), self.figures(self.reference), strict=False)
        return [getattr(a, attribute) / getattr(b, attribute) for a, b in pairs]

    def as_json(self) -> dict[str, Any]:
        found = self.results
        return {
            "job": self.job,
            "site": self.site,
            "bytes": self.bytes,
            "files": self.files,
            "reference": self.reference,
            "missing": found.missing,
            "runs": {
                name: [asdict(figures) for figures in self.figures(name)]
                for name in self.contestants
                if self.figures(name)
            },
        }

    def table(self) -> Table:
        names = list(COLUMNS)
        if self.counts_files:
            names.append("CPU µs a file")
        ran = [name for name in self.contestants if self.figures(name)]
        ran.sort(key=self._rank)
        lines = [self._line(name) for name in ran]
        rounds = max((len(self.figures(name)) for name in ran), default=0)
        title = f"{self.job}, {self.site}: {self.what} ({rounds} rounds)"
        remarks = [
            f"Missing: {name} ({why})."
            for name, why in self.results.missing.items()
            if name in self.contestants
        ]
        return Table(title, names, lines, [f"{text}\n" for text in remarks])

    def _rank(self, name: str) -> tuple[bool, bool, float]:
        """Ours first, then by speed."""
        is_ours = name.startswith("ours")
        return name != self.reference, not is_ours, self.median(name) or 0.0

    def _line(self, name: str) -> list[str]:
        runs = self.figures(name)
        wall = statistics.median(run.wall for run in runs)
        cells = [
            name,
            spread((run.wall for run in runs), ".2f"),
            spread(self.ratios(name), ".2f"),
            f"{self.bytes / wall / 1e6:.0f}",
            f"{statistics.median(run.cpu for run in runs):.2f}",
            spread(self.ratios(name, "cpu"), ".2f", brief=True),
            megabytes(max(run.memory for run in runs)),
            megabytes(max(run.result_bytes for run in runs)),
            megabytes(max(run.extra_disk for run in runs)),
            noise(max(run.foreign for run in runs)),
        ]
        if self.counts_files:
            cpu = statistics.median(run.cpu for run in runs)
            cells.append(f"{cpu / self.files * 1e6:.0f}")
        return cells


COLUMNS = (
    "contestant",
    "wall s (min–max)",
    "wall, ours = 1 (min–max)",
    "MB/s",
    "CPU s",
    "CPU, ours = 1",
    "peak memory MB",
    "result MB",
    "temporary disk MB",
    "foreign CPU",
)


def spread(values: Iterable[float], form: str, *, brief: bool = False) -> str:
    found = sorted(values)
    if not found:
        return "–"
    middle = f"{statistics.median(found):{form}}"
    if brief or len(found) == 1:
        return middle
    return f"{middle} ({found[0]:{form}}–{found[-1]:{form}})"


def noise(foreign: float) -> str:
    """Return the share of a core, with a mark from where it does harm."""
    return f"{foreign:.0%}{' !' if foreign > NOISY else ''}"


def megabytes(size: float) -> str:
    """Return the size in MB; a dash for nothing."""
    return f"{size / 1e6:.0f}" if size >= 500_000 else "–" if not size else "<1"
