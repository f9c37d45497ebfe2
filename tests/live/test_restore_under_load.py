"""A restore while people use the site: they wait a moment, and nothing is mixed."""

import random
import threading

import pytest

from .conftest import MakeSite
from .load import Load
from .server import Site, wait_until

pytestmark = pytest.mark.live

OLD = [f"old-{n}" for n in range(5)]
NEW = [f"new-{n}" for n in range(20)]
SHIFT = 1000
"""By how much the archive's content type ids differ from the live ones."""


def shift_content_types(site: Site, by: int) -> None:
    """Give the content types other ids, while the site does not run."""
    with site.database() as database:
        database.execute("PRAGMA foreign_keys=OFF")
        database.execute("UPDATE django_content_type SET id = id + ?", [by])
        database.execute(
            "UPDATE auth_permission SET content_type_id = content_type_id + ?", [by]
        )


def add_ballast(site: Site) -> None:
    """Make the site big enough for its restore to be noticed."""
    with site.database() as database:
        database.execute("CREATE TABLE ballast (data BLOB)")
        database.execute("INSERT INTO ballast VALUES (randomblob(40000000))")
    for n in range(500):
        (site.media / f"photo-{n}.jpg").write_bytes(random.randbytes(2000))


@pytest.fixture(scope="module")
def site(make_site: MakeSite) -> Site:
    """A site whose archive holds other rows, files and content type ids."""
    site = make_site()
    shift_content_types(site, SHIFT)
    site.start()
    for title in OLD:
        site.add_article(title)
    add_ballast(site)
    assert site.create("old.zip").status == 204
    site.stop()
    shift_content_types(site, -SHIFT)
    site.start()
    for title in NEW:
        site.add_article(title)
    return site


def content_type(site: Site) -> int:
    with site.database() as database:
        found = database.execute(
            "SELECT id FROM django_content_type WHERE model = 'article'"
        )
        return found.fetchone()[0]


def test_a_restore_under_load_refuses_no_connection_and_mixes_nothing(site):
    master, workers = site.master, site.workers
    live_type = content_type(site)
    with Load(site) as load:
        wait_until(lambda: len(load.seen) > 100, "the load has begun")
        assert site.restore("old.zip").status == 204
        ended = site.wait_for_end("old.zip", "restore")
        wait_until(lambda: not workers & site.workers, "the workers are replaced")
        so_far = len(load.seen)
        wait_until(lambda: len(load.seen) > so_far + 100, "the load has gone on")
    seen = sorted(load.seen)

    assert ended["state"] == "succeeded"
    assert [s.error for s in seen if s.error] == []
    closed = [s for s in seen if not s.ok]
    for one in closed:
        assert one.answer.status == 503, one.answer
        assert int(one.answer.headers["Retry-After"]) > 0

    reads = [s for s in seen if s.is_read]
    for read in reads:
        state = read.state
        assert state["titles"] == state["files"]
        if is_restored(state):
            assert state["titles"][: len(OLD)] == OLD
            assert state["contentType"] == live_type + SHIFT
        else:
            assert state["titles"][: len(OLD + NEW)] == OLD + NEW
            assert state["contentType"] == live_type

    restored = [read for read in reads if is_restored(read.state)]
    opened = min(read.answered for read in restored)
    late = [read for read in reads if read.sent > opened]
    assert late
    assert all(is_restored(read.state) for read in late)

    # What was answered 200 after that is there, and nothing from before it.
    closed_at = max(s.answered for s in seen if s.is_read and s not in restored)
    early = {s.title for s in seen if s.title and s.ok and s.answered < closed_at}
    kept = {s.title for s in seen if s.title and s.ok and s.sent > opened}
    titles = set(site.state()["titles"])
    assert early
    assert kept
    assert not early & titles
    assert kept <= titles

    assert site.master == master
    assert len(site.workers) == 2
    slowest = max(s.answered - s.sent for s in seen)
    gap = opened - closed_at
    print(
        f"\n{len(seen)} requests, {len(closed)} × 503, slowest {slowest:.2f} s,"
        f" no 200 for {gap:.2f} s, 0 refused"
    )


def is_restored(state: dict) -> bool:
    return NEW[0] not in state["titles"]


def test_after_a_restore_every_worker_serves_the_restored_data_only(site):
    assert site.restore("old.zip").status == 204
    site.wait_for_end("old.zip", "restore")

    states = [site.state() for _ in range(60)]

    expected = {"titles": OLD, "files": OLD, "contentType": content_type(site)}
    assert all(state == expected for state in states)


def test_a_restore_waits_for_a_running_request(site):
    site.add_article("in-between")
    answers = []
    slow = threading.Thread(
        target=lambda: answers.append(site.request("GET", "/site/slow?seconds=1.5"))
    )
    slow.start()
    assert site.restore("old.zip").status == 204
    wait_until((site.workspace / "journal.json").exists, "the site is closed")
    assert site.titles() == [*OLD, "in-between"]
    slow.join()

    assert answers[0].status == 200
    assert site.wait_for_end("old.zip", "restore")["state"] == "succeeded"
    assert site.titles() == OLD


def test_a_restore_gives_up_if_a_request_never_ends(make_site):
    site = make_site(DRAIN_TIMEOUT="1").start()
    site.add_article("kept")
    assert site.create("empty.zip").status == 204
    site.add_article("kept too")
    slow = threading.Thread(target=lambda: site.request("GET", "/site/slow?seconds=4"))
    slow.start()
    assert site.restore("empty.zip").status == 204

    ended = site.wait_for_end("empty.zip", "restore")

    assert (ended["state"], ended["error"]) == (
        "failed",
        "Requests were still running after 1 seconds, so nothing was changed."
        " Try again, or raise DRAIN_TIMEOUT.",
    )
    assert site.state()["titles"] == ["kept", "kept too"]
    assert site.can_backup()
    slow.join()
    assert site.leftovers() == []
