"""Fixtures of the proof suites, and the tables at the end."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live.conftest import require_program, template

from .places import MODES, Patient, patients
from .results import Table

__all__ = ["template"]

tables: list[Table] = []

MakeTable = Callable[[str, str], Table]


@pytest.fixture(scope="module")
def make_table() -> Iterator[MakeTable]:
    """Begin a table that is printed, and stored, at the end."""
    made: list[Table] = []
    sizes = [f"{n}={v}" for n, v in sorted(os.environ.items()) if n[:8] == "TORTURE_"]
    command = " ".join([*(s for s in sizes if "RESULTS" not in s), "make torture"])

    def make(name: str, title: str) -> Table:
        made.append(Table(name, title, command))
        tables.append(made[-1])
        return made[-1]

    yield make
    for table in made:
        table.store()


@pytest.fixture(scope="session")
def strace() -> None:
    require_program("strace")


@pytest.fixture(scope="package")
def sites(
    strace: None, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Patient]]:
    """A running site in each journal mode."""
    with patients(template, tmp_path_factory.mktemp("sites"), *MODES) as made:
        yield made


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for table in tables:
        if table.rows:
            terminalreporter.section(table.title)
            for line in [*table.lines(), *table.failures[:40]]:
                terminalreporter.write_line(line)
