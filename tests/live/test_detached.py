"""Operations run apart from the server, so its ups and downs do not end them."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from .conftest import MakeSite
from .server import Site, is_stopped, parent, wait_until

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def site(make_site: MakeSite) -> Site:
    site = make_site().start()
    site.add_article("first")
    for n in range(20):
        (site.media / f"bulk-{n}.bin").write_bytes(os.urandom(2 << 20))
    return site


@pytest.fixture(autouse=True)
def alone(site: Site) -> None:
    """An operation's process may outlive its last report for a moment."""
    wait_until(lambda: not site.processes("backup_run"), "the last child has ended")


def find_child(site: Site) -> int:
    """Return the process that does the work, and hold it there."""
    (child,) = wait_until(lambda: site.processes("backup_run"), "the work begins")
    os.kill(child, signal.SIGSTOP)
    wait_until(lambda: is_stopped(child), "it stands still")
    return child


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGKILL])
def test_the_end_of_the_waiting_worker_does_not_end_the_create(site, number):
    key = f"{number.name.lower()}.zip"
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(site.create, key)
        child = find_child(site)
        worker = parent(child)
        assert worker in site.workers

        os.kill(worker, number)
        if number != signal.SIGTERM:  # Which lets it answer first.
            wait_until(lambda: worker not in site.workers, "the worker is gone")
        os.kill(child, signal.SIGCONT)

        assert site.wait_for_end(key)["state"] == "succeeded"
        if number == signal.SIGTERM:
            assert waiting.result().status == 204
        else:
            assert isinstance(waiting.exception(), ConnectionError)

    assert key in site.keys()
    assert site.can_backup()
    wait_until(lambda: len(site.workers) == 2, "there is a new worker")


def test_a_reload_of_the_server_lets_the_create_end_and_be_answered(site):
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(site.create, "reload.zip")
        child = find_child(site)
        old = site.workers
        os.kill(site.master, signal.SIGHUP)
        wait_until(lambda: len(site.workers - old) == 2, "there are new workers")
        assert not site.can_backup()
        os.kill(child, signal.SIGCONT)
        assert waiting.result().status == 204

    assert "reload.zip" in site.keys()
    wait_until(lambda: not site.workers & old, "the old workers are gone")


def test_the_end_of_the_whole_server_does_not_end_the_create(site):
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(site.create, "outlives.zip")
        child = find_child(site)
        site.stop()
        os.kill(child, signal.SIGCONT)
        assert isinstance(waiting.exception(), ConnectionError)
    site.start()

    assert site.wait_for_end("outlives.zip")["state"] == "succeeded"
    assert "outlives.zip" in site.keys()


def test_a_killed_create_is_answered_and_recorded(site):
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(site.create, "killed.zip")
        os.kill(find_child(site), signal.SIGKILL)
        answer = waiting.result()

    assert (answer.status, answer.json["data"]) == (400, {})
    assert answer.message == "Failed to create backup."
    ended = site.operation("killed.zip")
    assert (ended["state"], ended["error"]) == (
        "failed",
        "The process that ran it was killed by signal 9.",
    )
    assert "killed.zip" not in site.keys()
    assert site.can_backup()
    assert site.create("killed.zip").status == 204
    assert site.leftovers() == []


@pytest.mark.parametrize("key", ["async.zip", ""])
def test_who_does_not_want_to_wait_is_told_where_to_look(site, key):
    answer = site.api("POST", "backups", {"name": key}, Prefer="respond-async")

    assert answer.status == 202
    assert answer.headers["Preference-Applied"] == "respond-async"
    assert answer.json["state"] == "running"
    place = answer.headers["Location"].removeprefix("/api/")
    assert place == f"operations/{answer.json['id']}"
    ended = wait_until(
        lambda: (o := site.api("GET", place).json)["state"] != "running" and o,
        "it ends",
    )
    assert ended["state"] == "succeeded"
    assert ended["key"] in site.keys()
    assert ended["bytesDone"] > 40 << 20
    assert ended["finished"] >= ended["started"]


def test_a_restore_can_be_watched_in_the_same_way(site):
    answer = site.api("POST", "backups/async.zip/restore", Prefer="respond-async")

    assert answer.status == 202
    place = answer.headers["Location"].removeprefix("/api/")

    def look():
        seen = site.api("GET", place)
        assert seen.status in (200, 503)
        return seen.status == 200 and seen.json["state"] != "running" and seen.json

    assert wait_until(look, "it ends")["state"] == "succeeded"
    wait_until(site.can_backup, "the old media are removed")


def test_a_create_is_listed_before_it_is_answered_and_never_in_part(site):
    with ThreadPoolExecutor(1) as pool:
        for number in range(3):
            key = f"listed-{number}.zip"
            waiting = pool.submit(site.create, key)
            sizes = set()
            while not waiting.done():
                listed = site.api("GET", "backups").json
                sizes |= {item["size"] for item in listed if item["key"] == key}
            assert waiting.result().status == 204
            (item,) = (i for i in site.api("GET", "backups").json if i["key"] == key)
            assert sizes <= {item["size"]}
            assert item["size"] == (site.backups / key).stat().st_size
