"""Somebody who uses the pages of a site with a browser."""

import os
import signal
from typing import Any

from playwright.sync_api import ConsoleMessage, Locator, Page, expect

from tests.live.conftest import require_program
from tests.live.server import EMAIL, PASSWORD, Site, is_stopped, wait_until

PAGES = "/admin/backups/backup/"


def find_browser() -> str:
    """Return the path of Chromium, or skip the test."""
    require_program("chromium")
    return "/usr/bin/chromium"


class Visitor:
    """A page of the browser, and what can be done with it."""

    def __init__(self, page: Page, site: Site) -> None:
        self.page = page
        self.site = site
        self.wrongs: list[str] = []
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.wrongs.append(str(error)))

    def _listen(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            self.wrongs.append(f"{message.text} ({self.page.url})")

    def address(self, path: str) -> str:
        return f"http://127.0.0.1:{self.site.port}{path}"

    def open(self, name: str = "", **query: str) -> None:
        """Open a page of ours."""
        path = f"{PAGES}{name}/" if name else PAGES
        words = "&".join(f"{key}={value}" for key, value in query.items())
        self.page.goto(self.address(f"{path}?{words}" if words else path))

    def login(self, name: str = "admin@example.com", password: str = PASSWORD) -> None:
        """Log in, from wherever one is asked to."""
        if "/login/" not in self.page.url:
            self.page.goto(self.address("/admin/login/?next=/admin/"))
        self.page.fill("#id_username", name)
        self.page.fill("#id_password", password)
        self.page.click("[type=submit]")
        expect(self.page.locator("#user-tools")).to_be_visible()

    # What is there ---------------------------------------------------------

    @property
    def text(self) -> str:
        return self.page.locator("#main").inner_text()

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def link(self, name: str) -> Locator:
        return self.page.locator(".backups").get_by_role("link", name=name, exact=True)

    @property
    def running(self) -> Locator:
        """The link to what runs now."""
        return self.page.locator("[data-link]")

    def row(self, key: str) -> Locator:
        """Return the row of a backup in the list."""
        table = self.page.get_by_role("region", name="All backups")
        return table.get_by_role("row").filter(has_text=key)

    def sees(self, *words: str) -> None:
        """Wait until the page says all *words*."""
        for text in words:
            expect(self.page.locator("#main")).to_contain_text(text)

    def rows(self) -> list[str]:
        """Return the names in the list, in its order."""
        return self.page.locator(".backups-list tbody th a").all_inner_texts()

    # What is done ----------------------------------------------------------

    def create(self, name: str) -> None:
        self.open()
        self.page.get_by_label("Name", exact=True).fill(name)
        self.button("Back up now").click()
        self.page.wait_for_url("**/operation/**")

    def confirm_restore(self, key: str) -> None:
        self.open("restore", key=key)
        self.page.get_by_label("Type the name").fill(key)
        self.button("Restore").click()

    def evaluate(self, source: str) -> Any:
        return self.page.evaluate(source)


def slow_down(visitor: Visitor, rate: int) -> None:
    session = visitor.page.context.new_cdp_session(visitor.page)
    session.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": 0,
            "downloadThroughput": -1,
            "uploadThroughput": rate,
        },
    )


def stop_work(site: Site) -> int:
    """Hold the operation that runs where it is; return its process."""
    # The process of the operation before may take a moment to end.
    alone = wait_until(
        lambda: len(found := site.processes("backup_run")) == 1 and found,
        "the work begins",
    )
    child: int = alone[0]
    os.kill(child, signal.SIGSTOP)
    wait_until(lambda: is_stopped(child), "it stands still")
    return child


__all__ = ["EMAIL", "PAGES", "Visitor", "find_browser", "slow_down", "stop_work"]
