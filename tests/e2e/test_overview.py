"""The first look: where the page is found, its sentence, its list, its weight."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.live.server import Site, wait_until

from .visitor import PAGES

pytestmark = pytest.mark.live

EMPTY_ZIP = b"PK\x05\x06" + bytes(18)
HEAVIEST = 150_000


@pytest.fixture(scope="module")
def many(make_site) -> Site:
    """A site with 2,000 archives, the last of them the newest."""
    site = make_site().start()
    site.backups.mkdir()
    for number in range(2000):
        path = site.backups / f"many-{number:04}.zip"
        path.write_bytes(EMPTY_ZIP)
        os.utime(path, (1_700_000_000 + number,) * 2)
    return site


def test_the_index_and_the_sidebar_lead_to_the_page(visitor):
    page = visitor.page
    page.get_by_role("link", name="Backups", exact=True).last.click()
    expect(page).to_have_url(re.compile(f"{PAGES}$"))
    expect(page.locator("#nav-sidebar a[aria-current]")).to_have_text("Backups")
    expect(page.locator(".breadcrumbs")).to_contain_text("Home › Backups")


def test_one_sentence_tells_how_things_stand(make_site, visit):
    site = make_site().start()
    visitor = visit(site)
    visitor.open()
    visitor.sees("There is no good backup yet.", "No automatic backups are scheduled.")
    visitor.sees("No backups yet. Make the first one below.", "Nothing has happened")
    site.create("one.zip")
    visitor.open()
    visitor.sees("The last good backup is one.zip, just now.")
    visitor.sees("1 backup,", f"kept in {site.backups}", " free.")


def test_each_type_is_named_newest_first_and_can_be_filtered(site, visitor):
    keys = make_one_of_each(site)
    visitor.open()
    for key, kind in keys.items():
        expect(visitor.row(key)).to_contain_text(kind)
    listed = [key for key in visitor.rows() if key in keys]
    assert listed == [*keys][::-1]
    visitor.page.get_by_label("Filter by name").fill("hand")
    visitor.button("Filter").click()
    expect(visitor.row("kind-hand.zip")).to_be_visible()
    expect(visitor.row("kind-sent.zip")).to_have_count(0)


def make_one_of_each(site: Site) -> dict[str, str]:
    """Return key and type of archives that came about in each way, oldest first."""
    site.create("kind-hand.zip")
    source = str(site.backups / "kind-hand.zip")
    site.manage("backup_upload", source, "--name", "kind-sent.zip")
    site.manage("backup_settings", "backups.cron=@yearly")
    assert site.api("POST", "crons/__pbAutoBackup__").status == 204
    wait_until(site.can_backup, "the automatic one is made")
    site.manage("backup_settings", "--reset", "backups.cron")
    (automatic,) = (key for key in site.keys() if key.startswith("@auto_"))
    (site.backups / "kind-copied.zip").write_bytes(Path(source).read_bytes())
    return {
        "kind-hand.zip": "manual",
        "kind-sent.zip": "uploaded",
        automatic: "automatic",
        "kind-copied.zip": "unknown",
    }


def test_a_name_opens_what_the_archive_says_of_itself(site, visitor):
    site.create("inside.zip")
    visitor.open()
    visitor.row("inside.zip").get_by_role("link", name="inside.zip", exact=True).click()
    visitor.sees("unpacked", "Digest of its list", "Acme (Django")
    visitor.sees("Fits this site", "yes, by what it says of itself")
    visitor.page.get_by_text("Database default:").click()
    table = visitor.page.get_by_role("region", name="default")
    expect(table.get_by_role("row", name="site_article")).to_be_visible()
    expect(visitor.page.get_by_text("site.0001_initial").first).to_be_visible()


def test_the_whole_page_is_light(site, visit):
    visitor = visit(site)
    weights = []
    visitor.page.context.clear_cookies()
    visitor.page.goto("about:blank")
    visitor.login()
    fresh = visit(site, storage_state=visitor.page.context.storage_state(), login=False)
    fresh.page.on("requestfinished", lambda r: weights.append(weigh(r)))
    fresh.open()
    fresh.page.wait_for_load_state("networkidle")
    print(f"overview: {sum(weights)} bytes in {len(weights)} responses")
    assert 10_000 < sum(weights) < HEAVIEST


def weigh(request) -> int:
    sizes = request.sizes()
    return sizes["responseHeadersSize"] + sizes["responseBodySize"]


def test_two_thousand_archives_come_in_pages(many, visit):
    visitor = visit(many)
    visitor.open()
    visitor.sees("2,000 backups", "page 1 of 40")
    assert visitor.rows() == [f"many-{n:04}.zip" for n in range(1999, 1949, -1)]
    visitor.link("Older").click()
    visitor.sees("page 2 of 40")
    visitor.open(q="many-0042")
    assert visitor.rows() == ["many-0042.zip"]


def test_the_history_tells_who_did_what(site, visitor):
    site.create("past.zip")
    visitor.open()
    visitor.link("Whole history").click()
    row = visitor.page.get_by_role("row").filter(has_text="create past.zip")
    expect(row).to_contain_text("admin@example.com")
    expect(row).to_contain_text("succeeded")
    row.get_by_role("link").click()
    visitor.sees("Begun", "Ended", "Id in the log", "begun by admin@example.com")
    visitor.sees("saving the databases", "saving the files", "storing the archive")


def test_a_schedule_is_saved_and_its_next_runs_are_shown(site, visitor):
    visitor.open()
    preset = visitor.page.locator("#backups-presets option").first
    visitor.page.get_by_label("Schedule").fill(preset.get_attribute("value"))
    visitor.page.get_by_label("Automatic backups to keep").fill("5")
    visitor.button("Save").click()
    visitor.sees("The schedule was saved.", "Next automatic one:")
    expect(visitor.page.locator(".help time")).to_have_count(3)
    saved = site.api("GET", "settings").json["backups"]
    assert (saved["cron"], saved["cronMaxKeep"]) == ("0 0 * * *", 5)
    site.manage("backup_settings", "--reset", "backups.cron")


def test_times_are_those_of_the_visitor(site, visit):
    site.create("clock.zip")
    shown = []
    for zone in ("UTC", "Asia/Tokyo"):
        visitor = visit(site, timezone_id=zone)
        visitor.open("details", key="clock.zip")
        made = visitor.page.locator("time[data-style=medium]").first
        shown.append(made.inner_text())
    assert shown[0] != shown[1]


def test_a_schedule_that_can_not_be_is_refused_in_words(site, visitor):
    visitor.open()
    visitor.page.get_by_label("Schedule").fill("every day")
    visitor.button("Save").click()
    visitor.sees("Invalid cron expression")
    assert wait_until(lambda: site.api("GET", "settings").json, "it answers")
