"""A browser, and the sites that it visits."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.live.conftest import (
    MakeSite,
    making_sites,
    pytest_runtest_makereport,
    require,
    template,
)
from tests.live.server import LONG, ROOT, Site

from .visitor import Visitor, find_browser

__all__ = ["pytest_runtest_makereport", "template"]

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE = ROOT / "tests" / "e2e" / "node_modules" / "axe-core" / "axe.min.js"
expect.set_options(timeout=1000 * LONG)
Visit = Callable[..., Visitor]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, headless.

    It ends with this folder: while Playwright's loop runs in this thread,
    Django's database can't be used there.
    """
    program = find_browser()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def make_site(
    template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MakeSite]:
    """Make a site, not yet started; it is stopped and deleted in the end."""
    yield from making_sites(template, tmp_path_factory)


@pytest.fixture(scope="package")
def site(make_site: MakeSite) -> Site:
    """A running site with some data that most tests share."""
    site = make_site().start()
    site.add_article("first")
    return site


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Visit a site as its superuser; at the end nothing may have gone wrong."""
    visitors: list[Visitor] = []

    def visit(site: Site, *, login: bool = True, **options: object) -> Visitor:
        visitors.append(Visitor(new_page(browser, **options), site))
        if login:
            visitors[-1].login()
        return visitors[-1]

    yield visit
    for visitor in visitors:
        visitor.page.context.close()
    assert [wrong for visitor in visitors for wrong in visitor.wrongs] == []


def new_page(browser: Browser, **options: object) -> Page:
    context: BrowserContext = browser.new_context(**{"locale": "en-US", **options})
    context.set_default_timeout(1000 * LONG)
    return context.new_page()


@pytest.fixture
def visitor(visit: Visit, site: Site) -> Visitor:
    """The superuser on the shared site."""
    return visit(site)


@pytest.fixture(scope="package")
def axe() -> str:
    """The source of axe, and a call that tells in words what it found."""
    require(AXE.is_file(), "axe is not installed: npm ci --prefix tests/e2e")
    return re.sub(r"\A/\*.*?\*/", "", AXE.read_text(), flags=re.DOTALL)
