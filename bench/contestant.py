"""One of those that are measured against each other."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.measure import Run


class Unavailable(Exception):
    """A contestant that can't be run after all; the text says why."""


def do_nothing() -> None:
    """Leave everything as it is."""


@dataclass(frozen=True)
class Contestant:
    """What it is called, and how it is run; or why it can't be."""

    name: str
    plan: Callable[[Path], Run]
    """Gets a new, empty folder to work in; what it does itself is not measured."""
    clean: Callable[[], None] = do_nothing
    """Removes what a run left elsewhere; called before the first run as well."""
    missing: str = ""

    @classmethod
    def absent(cls, name: str, why: str) -> "Contestant":
        def refuse(work: Path) -> Run:
            raise RuntimeError(f"{name} can't be run: {why}")

        return cls(name, refuse, missing=why)


def needs(program: str, contestant: Contestant) -> Contestant:
    """Return the contestant, marked as missing where the program is."""
    if shutil.which(program):
        return contestant
    return Contestant.absent(contestant.name, f"{program} is not installed")
