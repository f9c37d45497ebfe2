"""A restore from its preview to its undo, as a browser sees it."""

import os
import signal
import threading
from pathlib import Path

import pytest
from playwright.sync_api import Error, expect

from tests.live.server import Site, wait_until

from .visitor import Visitor, stop_work

pytestmark = pytest.mark.live

PHASES = (
    "fetching the archive",
    "verifying the archive",
    "checking what it holds",
    "saving the present state",
    "saving the latest changes",
    "replacing the data",
)
RESTORED = "The site was restored from before.zip."


@pytest.fixture(scope="module")
def restored_site(make_site) -> Site:
    """A site whose backup knows no session."""
    site = make_site().start()
    site.add_article("then")
    site.create("before.zip")
    return site


@pytest.fixture
def site(restored_site: Site) -> Site:
    """It has changed since its backup."""
    with restored_site.database() as database:
        database.execute("DELETE FROM site_article WHERE title != 'then'")
    restored_site.add_article("now")
    return restored_site


def login_again(visitor: Visitor) -> None:
    """Log in where the page led to on its own."""
    visitor.page.wait_for_url("**/login/?next=**")
    visitor.login()


def stay_inside(site: Site, seconds: float) -> threading.Thread:
    """Keep the site from closing its gate for a while."""
    path = f"/site/slow?seconds={seconds}"
    guest = threading.Thread(target=site.request, args=("GET", path))
    guest.start()
    return guest


def test_a_restore_is_previewed_watched_and_undone(site, visit):
    visitor = visit(site)
    preview(visitor)
    type_the_name(visitor)
    workers = site.workers
    guest = stay_inside(site, 4)
    visitor.button("Restore").click()
    visitor.sees("It is running.")
    visitor.sees("The site is closed for a moment; this page waits for it.")
    login_again(visitor)
    guest.join()
    visitor.sees(RESTORED, "What it replaced is in")
    visitor.sees(*PHASES)
    assert site.titles() == ["then"]
    wait_until(lambda: len(site.workers - workers) == 2, "the workers are new")
    undo(site, visitor)


def preview(visitor: Visitor) -> None:
    visitor.open()
    visitor.link("Restore before.zip").click()
    visitor.sees("What will change", "1 file disappears", "disk space")
    row = visitor.page.get_by_role("row").filter(has_text="site_article")
    assert row.get_by_role("cell").all_inner_texts() == ["2", "1"]
    expect(visitor.page.get_by_label("Save the present state first")).to_be_checked()


def type_the_name(visitor: Visitor) -> None:
    page = visitor.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    expect(visitor.button("Restore")).to_be_disabled()
    page.get_by_label("Type the name").fill("before")
    expect(visitor.button("Restore")).to_be_disabled()
    page.locator(".backups-chip").click()
    expect(page.locator(".backups-chip.is-copied")).to_be_visible()
    page.get_by_label("Type the name").fill("")
    page.keyboard.press("Control+V")
    expect(visitor.button("Restore")).to_be_enabled()


def undo(site: Site, visitor: Visitor) -> None:
    visitor.open("history")
    visitor.page.get_by_role("link", name="restore before.zip").first.click()
    visitor.button("Undo this restore").click()
    login_again(visitor)
    visitor.sees("The site was restored from")
    assert site.titles() == ["then", "now"]
    visitor.open()
    visitor.sees("safety copy", "protected until")


def test_an_archive_that_can_not_be_restored_says_why(site, visit):
    path = site.backups / "bad.zip"
    path.write_bytes((site.backups / "before.zip").read_bytes()[:-200])
    visitor = visit(site)
    visitor.open("restore", key="bad.zip")
    expect(visitor.page.locator(".errornote, .messagelist .error")).to_be_visible()
    expect(visitor.button("Restore")).to_have_count(0)


def test_without_scripts_everything_works_by_forms(site, visit, tmp_path):
    visitor = visit(site, java_script_enabled=False)
    visitor.create("plain.zip")
    wait_for_words(visitor, "Done.")
    verify_upload_and_delete(visitor, tmp_path)
    site.add_article("later")
    visitor.confirm_restore("before.zip")
    wait_for_words(visitor, RESTORED)
    assert site.titles() == ["then"]
    visitor.button("Undo this restore").click()
    wait_for_words(visitor, "The site was restored from")
    assert site.titles() == ["then", "now", "later"]


def verify_upload_and_delete(visitor: Visitor, folder: Path) -> None:
    page = visitor.page
    visitor.open()
    with page.expect_download() as waiting:
        visitor.link("Download plain.zip").click()
    waiting.value.save_as(folder / "sent.zip")
    page.get_by_label("Archive").set_input_files(folder / "sent.zip")
    visitor.button("Upload").click()
    visitor.sees("Stored “sent.zip”.")
    visitor.button("Verify").click()
    wait_for_words(visitor, "sent.zip is whole and could be restored here.")
    visitor.open()
    page.get_by_label("Schedule").fill("@weekly")
    visitor.button("Save").click()
    visitor.sees("The schedule was saved.")
    visitor.link("Delete sent.zip").click()
    visitor.button("Yes, delete it").click()
    visitor.sees("Deleted “sent.zip”.")


def wait_for_words(visitor: Visitor, words: str) -> None:
    """Reload the page, and log in where that is asked for, until it says so."""

    def look() -> bool:
        try:
            visitor.page.reload()
        except Error:
            return False  # The page is just reloading itself.
        if "/login/" in visitor.page.url:
            visitor.login()
        return words in visitor.page.content()

    wait_until(look, words)


def test_a_session_that_ends_while_watching_leads_to_the_login_and_back(site, visit):
    visitor = visit(site)
    visitor.create("long.zip")
    child = stop_work(site)
    address = visitor.page.url
    with site.database() as database:
        database.execute("DELETE FROM django_session")
    visitor.page.wait_for_url("**/login/?next=**")
    visitor.login()
    assert visitor.page.url == address
    go_on(site, child)
    visitor.sees("Done.")


def go_on(site: Site, child: int) -> None:
    os.kill(child, signal.SIGCONT)
    site.wait_for_end("long.zip")
