"""The wheel, installed into fresh projects."""

import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from .environments import build_wheel, find_environments, make_venv
from .project import Project
from .shapes import SHAPES

ENVIRONMENTS = {str(found): found for found in find_environments()}
ENDS = (next(iter(ENVIRONMENTS)), next(reversed(ENVIRONMENTS)))
SITES = {
    f"{shape}-{environment}": (shape, environment)
    for environment, shape in itertools.product(ENVIRONMENTS, SHAPES)
    # Between the oldest and the newest, the shape that asks most will do.
    if environment in ENDS or shape == "hostile"
}
AT_ONCE = 2


class Workshop:
    """Makes projects; those of one environment share its venv."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wheel = build_wheel(folder / "wheel")
        self.pythons: dict[str, Path] = {}
        self.locks = {name: threading.Lock() for name in ENVIRONMENTS}

    def make(self, site: str) -> Project:
        shape, environment = SITES[site]
        python = self.python(environment)
        return Project(self.folder / site, python, SHAPES[shape]).make()

    def python(self, name: str) -> Path:
        with self.locks[name]:  # The first who comes makes it, the others wait.
            if name not in self.pythons:
                place = self.folder / name
                self.pythons[name] = make_venv(place, ENVIRONMENTS[name], self.wheel)
            return self.pythons[name]


@pytest.fixture(scope="session")
def projects(
    request: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[Project]]]:
    """The projects that the chosen tests want, made while others are tested."""
    workshop = Workshop(tmp_path_factory.mktemp("dropin"))
    params = [getattr(item, "callspec", None) for item in request.session.items]
    wanted = [found.params["project"] for found in params if is_wanted(found)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {site: pool.submit(workshop.make, site) for site in dict.fromkeys(wanted)}
        pool.shutdown(cancel_futures=True)


def is_wanted(callspec: Any) -> bool:
    return callspec is not None and callspec.params.get("project") in SITES


@pytest.fixture(scope="session", params=SITES)
def project(request: Any, projects: dict[str, Future[Project]]) -> Iterator[Project]:
    """A running project, with the app just dropped in."""
    project = projects[request.param].result()
    try:
        yield project.start()
    finally:
        project.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Show the end of the server's log with a failure."""
    report = yield
    project = getattr(item, "funcargs", {}).get("project")
    if report.failed and project and project.log.exists():
        lines = project.log.read_text().splitlines()[-60:]
        report.sections.append(("log of the server", "\n".join(lines)))
    return report
