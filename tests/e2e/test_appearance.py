"""Every state of the page: themes, a phone, assistive programs, the policy."""

import os
import time

import pytest
from playwright.sync_api import expect

from tests.live.server import PASSWORD, ROOT, Site, wait_until

from .visitor import PAGES, Visitor, slow_down, stop_work

pytestmark = pytest.mark.live

IMAGES = ROOT / "docs" / "images"
LARGEST = 150_000
DAY = 86_400
PHONE = {"width": 360, "height": 740}
STAFF = "staff@example.com"
STATES = {
    "overview": "",
    "empty": "?q=nothing",
    "details": "details/?key=nightly.zip",
    "flawed": "details/?key=broken.zip",
    "delete": "delete/?key=nightly.zip",
    "restore": "restore/?key=nightly.zip",
    "history": "history/",
}


@pytest.fixture(scope="module")
def site(make_site) -> Site:
    """A site that has seen a little of everything."""
    site = make_site().start()
    site.add_article("then")
    for number in range(24):
        photo = site.media / "photos" / f"{number:03}.jpg"
        photo.parent.mkdir(parents=True, exist_ok=True)
        photo.write_bytes(os.urandom(1 << 20))
    for age, key in enumerate(("release-2.zip", "before-upgrade.zip", "nightly.zip")):
        site.create(key)
        then = time.time() - (21, 6, 2)[age] * DAY
        os.utime(site.backups / key, (then, then))
    (site.backups / "broken.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    site.api("POST", "backups/broken.zip/verify")
    site.api("POST", "backups/release-2.zip/verify")
    site.wait_for_end("release-2.zip", "verify")
    site.add_article("now")
    site.api("PATCH", "settings", {"backups": {"cron": "0 3 * * *", "cronMaxKeep": 7}})
    site.manage(
        "backup_upload", str(site.backups / "nightly.zip"), "--name", "from-staging.zip"
    )
    site.api("POST", "crons/__pbAutoBackup__")
    wait_until(lambda: len(site.keys()) == 6, "the automatic one is stored")
    wait_until(site.can_backup, "nothing runs")
    return site


def choose_theme(visitor: Visitor, theme: str) -> None:
    visitor.evaluate(f"localStorage.setItem('theme', '{theme}')")


def examine(visitor: Visitor, axe: str) -> list[str]:
    """Return what axe has against the page."""
    visitor.evaluate(f"{axe}; undefined")
    found = visitor.evaluate(
        """async () => (await axe.run()).violations.map(
            ({id, nodes}) => `${id}: ${nodes.map((n) => n.html).join(" ")}`
        )"""
    )
    return [f"{visitor.page.url}: {text}" for text in found]


# First, since what follows leaves failures in the history.
@pytest.mark.parametrize(
    ("image", "state", "theme", "size"),
    [
        ("overview", "overview", "light", {"width": 1200, "height": 900}),
        ("overview-dark", "overview", "dark", {"width": 1200, "height": 900}),
        ("restore", "restore", "light", {"width": 1200, "height": 800}),
        ("details", "details", "light", {"width": 1200, "height": 800}),
        ("history", "history", "light", {"width": 1200, "height": 600}),
        ("phone", "overview", "light", PHONE),
    ],
)
def test_pictures_are_taken_of(site, visit, image, state, theme, size):
    visitor = visit(site, viewport=size)
    choose_theme(visitor, theme)
    visitor.page.goto(visitor.address(PAGES + STATES[state]))
    visitor.evaluate("document.fonts.ready")
    picture = visitor.page.screenshot()
    assert len(picture) < LARGEST
    if os.environ.get("SCREENSHOTS") == "1":
        IMAGES.mkdir(exist_ok=True)
        (IMAGES / f"{image}.png").write_bytes(picture)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_is_in_the_way_of_assistive_programs(site, visit, axe, theme):
    visitor = visit(site)
    choose_theme(visitor, theme)
    found = []
    for path in STATES.values():
        visitor.page.goto(visitor.address(PAGES + path))
        visitor.evaluate(
            "document.querySelectorAll('details').forEach(d => d.open = 1)"
        )
        found += examine(visitor, axe)
    assert found == []


def test_nothing_is_in_the_way_while_something_runs_or_has_failed(site, visit, axe):
    visitor = visit(site)
    found = []
    visitor.create("running.zip")
    child = stop_work(site)
    for theme in ("light", "dark"):
        choose_theme(visitor, theme)
        visitor.page.reload()
        found += examine(visitor, axe)
        visitor.open()
        found += examine(visitor, axe)
        visitor.running.click()
    found += look_at_a_phone(visit, site, visitor.page.url)
    os.kill(child, 9)
    visitor.sees("killed by signal 9")
    found += examine(visitor, axe)
    choose_theme(visitor, "light")
    visitor.page.reload()
    assert found + examine(visitor, axe) == []


def look_at_a_phone(visit, site: Site, address: str) -> list[str]:
    """Return what is wrong with the page of something that runs on a phone."""
    visitor = visit(site, viewport=PHONE)
    visitor.page.goto(address)
    expect(visitor.page.get_by_role("progressbar")).to_be_visible()
    width = visitor.evaluate("document.scrollingElement.scrollWidth")
    return [] if width <= PHONE["width"] else [f"{width} pixels wide"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_is_in_the_way_after_a_restore_or_a_refused_one(
    site, visit, axe, theme
):
    visitor = visit(site)
    choose_theme(visitor, theme)
    visitor.open("restore", key="nightly.zip")
    visitor.page.get_by_label("Type the name").fill("other")
    visitor.evaluate("document.querySelector('.backups-confirm').submit()")
    visitor.sees("That is not the name; nothing was changed.")
    found = examine(visitor, axe)
    if "restore" not in {entry["kind"] for entry in site.history()}:
        site.restore("nightly.zip")
        site.wait_for_end("nightly.zip", "restore")
    visitor.open("operation", id=site.operation("nightly.zip", "restore")["id"])
    if "/login/" in visitor.page.url:  # The restore brought older sessions back.
        visitor.login()
    expect(visitor.button("Undo this restore")).to_be_visible()
    assert found + examine(visitor, axe) == []


def test_nothing_is_in_the_way_while_an_upload_is_under_way(site, visit, axe, tmp_path):
    path = tmp_path / "slow.zip"
    path.write_bytes(b"PK\x03\x04" + bytes(4 << 20))
    visitor = visit(site)
    visitor.open()
    slow_down(visitor, 1 << 18)
    visitor.page.get_by_label("Archive").set_input_files(path)
    visitor.button("Upload").click()
    expect(visitor.button("Cancel")).to_be_visible()
    assert examine(visitor, axe) == []
    visitor.button("Cancel").click()
    visitor.sees("Cancelled; nothing was stored.")


def test_the_toggle_of_the_admin_changes_the_theme(site, visit):
    visitor = visit(site, color_scheme="light")
    visitor.open()
    bright = background(visitor)
    visitor.page.locator("#user-tools .theme-toggle, .theme-toggle").first.click()
    expect(visitor.page.locator("html")).to_have_attribute("data-theme", "dark")
    assert background(visitor) != bright


def background(visitor: Visitor) -> str:
    return visitor.evaluate("getComputedStyle(document.body).backgroundColor")


def test_a_phone_shows_each_state_without_scrolling_sideways(site, visit):
    visitor = visit(site, viewport=PHONE)
    for name, path in STATES.items():
        visitor.page.goto(visitor.address(PAGES + path))
        width = visitor.evaluate("document.scrollingElement.scrollWidth")
        assert width <= PHONE["width"], name


def test_the_list_on_a_phone_shows_its_actions(site, visit):
    visitor = visit(site, viewport=PHONE)
    visitor.open()
    link = visitor.link("Delete nightly.zip")
    box = link.bounding_box()
    assert box
    assert box["x"] + box["width"] <= PHONE["width"]


def test_forms_can_be_used_from_the_keyboard(site, visit):
    visitor = visit(site)
    visitor.open("restore", key="nightly.zip")
    visitor.page.get_by_label("Type the name").focus()
    visitor.page.keyboard.type("nightly.zip")
    visitor.page.keyboard.press("Tab")
    expect(visitor.button("Restore")).to_be_focused()


def test_staff_who_are_no_superusers_find_no_page(site, visit):
    site.script(
        "from django.contrib.auth.models import User\n"
        f"User.objects.create_user({STAFF!r}, {STAFF!r}, {PASSWORD!r}, is_staff=True)"
    )
    visitor: Visitor = visit(site, login=False)
    visitor.login(STAFF)
    expect(visitor.page.locator(f"a[href='{PAGES}']")).to_have_count(0)
    answer = visitor.page.goto(visitor.address(PAGES))
    assert answer
    assert answer.status == 403
