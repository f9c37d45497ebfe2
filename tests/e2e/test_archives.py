"""Make, send, fetch, prove and delete archives."""

import os
import re
import shutil
import signal
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.live.server import Site, kill, wait_until

from .visitor import Visitor, slow_down, stop_work

pytestmark = pytest.mark.live

MEGABYTES = 300
SLOW = 40 * (1 << 20)
"""Bytes a second that a browser may send, so that a bar can be seen growing."""


@pytest.fixture(scope="module")
def archive(site, tmp_path_factory) -> Path:
    """A backup of 300 MB that the site has made and no longer holds."""
    site.media.mkdir(exist_ok=True)
    film = site.media / "film.bin"
    with film.open("wb") as file:
        for _ in range(MEGABYTES):
            file.write(os.urandom(1 << 20))
    site.create("large.zip")
    film.unlink()
    path = tmp_path_factory.mktemp("sent") / "large.zip"
    return Path(shutil.move(site.backups / "large.zip", path))


def send(visitor: Visitor, path: Path) -> None:
    visitor.open()
    visitor.page.get_by_label("Archive").set_input_files(path)
    visitor.button("Upload").click()


def wait_for_percent(visitor: Visitor) -> None:
    state = visitor.page.locator(".backups-upload-state [role=status]")
    expect(state).to_have_text(re.compile(r"[1-9]\d? % · .+ MB / 30\d(\.\d)? MB"))
    assert (
        visitor.evaluate("document.querySelector('[data-upload] progress').value") > 0
    )


def is_clean(site: Site, key: str) -> bool:
    return key not in site.keys() and not list(site.backups.glob(".partial/*"))


# Create -------------------------------------------------------------------


def test_a_create_is_watched_to_its_end_and_found_again(site, visitor):
    visitor.create("watched.zip")
    child = stop_work(site)
    visitor.sees("It is running. You may leave this page and come back.")
    visitor.open()
    expect(visitor.button("Back up now")).to_be_disabled()
    visitor.running.click()
    expect(visitor.page.get_by_role("progressbar", name="Progress")).to_be_visible()
    os.kill(child, signal.SIGCONT)
    visitor.sees("Done.", "Ended")
    visitor.open()
    expect(visitor.row("watched.zip")).to_contain_text("manual")


def test_bytes_and_percent_are_told_while_it_runs(site, visitor):
    site.media.mkdir(exist_ok=True)
    sparse = site.media / "sparse.bin"
    with sparse.open("wb") as file:
        file.truncate(8 << 30)
    visitor.create("figures.zip")
    wait_until(lambda: site.operation("figures.zip")["bytesDone"], "it is on its way")
    child = stop_work(site)
    figures = visitor.page.locator("[data-figures]")
    expect(figures).to_have_text(re.compile(r"\d+ % · .*B / 8 GB"))
    visitor.sees("saving the files")
    kill(child, signal.SIGKILL)
    sparse.unlink()
    visitor.sees("killed by signal 9")
    expect(visitor.page.locator(".backups-status.is-bad")).to_be_visible()


def test_a_name_is_checked_as_it_is_typed_and_by_the_server(visitor):
    visitor.open()
    name = visitor.page.get_by_label("Name", exact=True)
    name.fill("Not A Name")
    assert name.evaluate("input => input.validity.patternMismatch")
    name.fill("a-name.zip")
    assert name.evaluate("input => input.validity.valid")
    name.fill("Not A Name")
    name.evaluate("input => input.form.submit()")
    visitor.sees("Use small letters, digits, - and _, and end it in .zip.")


# Upload -------------------------------------------------------------------


def test_a_large_upload_has_a_bar_and_a_verdict(site, visitor, archive):
    slow_down(visitor, 4 * SLOW)
    send(visitor, archive)
    wait_for_percent(visitor)
    visitor.page.wait_for_url("**/details/?key=large.zip")
    visitor.sees("Stored “large.zip”.", "uploaded", "yes, by what it says of itself")
    assert (site.backups / "large.zip").stat().st_size == archive.stat().st_size
    visitor.button("Verify").click()
    visitor.sees("large.zip is whole and could be restored here.")
    (site.backups / "large.zip").unlink()


def test_a_file_that_only_looks_like_a_zip_is_called_so(visitor, tmp_path):
    path = tmp_path / "looks.zip"
    path.write_bytes(b"PK\x03\x04" + bytes(10_000))
    send(visitor, path)
    visitor.sees("Stored “looks.zip”.", "This is no archive that could be restored")


def test_an_archive_can_be_dropped_on_the_form(site, visitor, tmp_path):
    site.create("before.zip")
    content = (site.backups / "before.zip").read_bytes()
    visitor.open()
    drop(visitor, "dropped.zip", content)
    visitor.page.wait_for_url("**/details/?key=dropped.zip")
    visitor.sees("Stored “dropped.zip”.", "Acme (Django", "Database default")
    assert (site.backups / "dropped.zip").read_bytes() == content


def drop(visitor: Visitor, name: str, content: bytes) -> None:
    data = visitor.page.evaluate_handle(
        """([name, bytes]) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], name));
            return data;
        }""",
        [name, list(content)],
    )
    form = visitor.page.locator("form[data-upload]")
    form.dispatch_event("dragover", {"dataTransfer": data})
    expect(form).to_have_class(re.compile("is-target"))
    form.dispatch_event("drop", {"dataTransfer": data})


def test_a_cancelled_upload_leaves_nothing(site, visitor, archive):
    slow_down(visitor, SLOW)
    send(visitor, archive)
    wait_for_percent(visitor)
    visitor.button("Cancel").click()
    visitor.sees("Cancelled; nothing was stored.")
    expect(visitor.button("Upload")).to_be_enabled()
    wait_until(lambda: is_clean(site, "large.zip"), "what was sent is gone")


def test_what_is_no_zip_is_refused_in_words(site, visitor, tmp_path):
    path = tmp_path / "text.zip"
    path.write_text("no zip")
    send(visitor, path)
    visitor.sees("zip")
    expect(visitor.page.locator(".backups-upload-state")).not_to_contain_text("400")
    assert "text.zip" not in site.keys()


def test_a_server_that_dies_during_an_upload_is_told_in_words(site, visitor, archive):
    slow_down(visitor, SLOW)
    send(visitor, archive)
    wait_for_percent(visitor)
    site.stop()
    try:
        visitor.sees("The connection broke; nothing was stored.")
        expect(visitor.button("Upload")).to_be_enabled()
        assert not (site.backups / "large.zip").exists()
    finally:
        site.start()
    site.create("next.zip")
    assert is_clean(site, "large.zip")


# Download, verify, delete -------------------------------------------------


def test_a_download_is_what_is_stored(site, visitor, tmp_path):
    site.create("fetched.zip")
    visitor.open()
    with visitor.page.expect_download() as waiting:
        visitor.link("Download fetched.zip").click()
    assert waiting.value.suggested_filename == "fetched.zip"
    assert "token=" in waiting.value.url
    waiting.value.save_as(tmp_path / "fetched.zip")
    stored = (site.backups / "fetched.zip").read_bytes()
    assert (tmp_path / "fetched.zip").read_bytes() == stored


def test_a_backup_is_verified(site, visitor):
    site.create("proven.zip")
    visitor.open("details", key="proven.zip")
    visitor.button("Verify").click()
    visitor.sees("proven.zip is whole and could be restored here.")
    visitor.open()
    expect(visitor.row("proven.zip").locator(".backups-good")).to_be_visible()


def test_a_damaged_backup_is_told_from_the_others(site, visitor):
    site.create("damaged.zip")
    path = site.backups / "damaged.zip"
    path.write_bytes(path.read_bytes()[:-200])
    visitor.open("details", key="damaged.zip")
    visitor.sees("This is no archive that could be restored here")
    visitor.button("Verify").click()
    expect(visitor.page.locator(".backups-status.is-bad")).to_be_visible()
    visitor.open()
    visitor.sees("The last operation failed just now: verify damaged.zip")
    expect(visitor.row("damaged.zip")).to_contain_text("failed")


def test_a_delete_asks_once_more(site, visitor):
    site.create("unwanted.zip")
    visitor.open()
    visitor.link("Delete unwanted.zip").click()
    visitor.sees("This deletes unwanted.zip")
    visitor.link("No, take me back").click()
    visitor.link("Delete unwanted.zip").click()
    visitor.button("Yes, delete it").click()
    visitor.sees("Deleted “unwanted.zip”.")
    assert "unwanted.zip" not in site.keys()


def test_a_backup_in_use_is_not_deleted(site, visitor):
    site.create("used.zip")
    visitor.open("details", key="used.zip")
    visitor.button("Verify").click()
    visitor.page.wait_for_url("**/operation/**")
    child = stop_work(site)
    visitor.open("delete", key="used.zip")
    visitor.button("Yes, delete it").click()
    expect(visitor.page.locator(".messagelist .error")).to_contain_text("used")
    assert "used.zip" in site.keys()
    kill(child, signal.SIGCONT)
    site.wait_for_end("used.zip", "verify")


def test_a_second_operation_is_refused_in_words(site, visitor):
    site.create("first.zip")
    visitor.open("details", key="first.zip")
    visitor.button("Verify").click()
    visitor.page.wait_for_url("**/operation/**")
    child = stop_work(site)
    visitor.open("details", key="first.zip")
    visitor.button("Verify").click()
    visitor.sees("already running")
    kill(child, signal.SIGCONT)
    site.wait_for_end("first.zip", "verify")
