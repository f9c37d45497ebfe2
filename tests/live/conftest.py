"""Sites that the tests of this folder drive."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .server import Site

MakeSite = Callable[..., Site]


def require_program(*names: str) -> None:
    """Skip without one of these programs; in CI, where all belong, fail."""
    require(all(map(shutil.which, names)), f"{' or '.join(names)} is not installed")


def require(condition: Any, otherwise: str) -> None:
    """Skip with the reason *otherwise*, or fail with it where CI=true."""
    if not condition:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(otherwise)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an empty site, with its accounts."""
    folder = tmp_path_factory.mktemp("template")
    Site(folder).install()
    return folder


@pytest.fixture(scope="module")
def make_site(
    template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MakeSite]:
    """Make a site, not yet started; it is stopped and deleted after the module."""
    yield from making_sites(template, tmp_path_factory)


def making_sites(
    template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MakeSite]:
    """Yield what makes a site, and remove all that it made."""
    sites: list[Site] = []

    def make(**environment: str) -> Site:
        folder = tmp_path_factory.mktemp("site") / "data"
        sites.append(Site.copy(template, folder, **environment))
        return sites[-1]

    yield make
    for site in sites:
        site.remove()


@pytest.fixture(scope="module")
def site(make_site: MakeSite) -> Site:
    """A running site that the tests of the module share."""
    return make_site().start()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Show the end of the server's log with a failure."""
    report = yield
    if report.failed:
        for value in getattr(item, "funcargs", {}).values():
            if isinstance(value, Site):
                report.sections.append((f"log of {value.folder}", value.log_tail()))
    return report
