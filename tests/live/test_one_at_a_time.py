"""One operation at a time, over workers, commands, crashes and pauses."""

import json
import os
import signal
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from .conftest import MakeSite, require_program
from .crash import Launcher, find_call
from .server import BUSY, Site, finish, is_stopped, wait_until

pytestmark = pytest.mark.live

BUSY_COMMAND = "Another backup or restore is already running."
LOST = "The operation lost its lock and stopped."
INTERRUPTED = "The process that ran it ended before it was done."
RESTORE = ("backup_restore", "--no-input")


@pytest.fixture(scope="module")
def site(make_site: MakeSite) -> Site:
    """A running site whose lease soon ends, with media that take a while."""
    site = make_site(LEASE_TTL="2").start()
    site.add_article("first")
    add_bulk(site)
    return site


def add_bulk(site: Site, megabytes: int = 300) -> None:
    """Add files that can't be compressed, so that saving them takes seconds."""
    block = os.urandom(1 << 20)
    site.media.mkdir(exist_ok=True)
    for n in range(megabytes // 20):
        with (site.media / f"bulk-{n}.bin").open("wb") as file:
            for i in range(20):
                file.write(block[i:] + block[:i])


def partial_bytes(site: Site) -> int:
    """Return how much of an archive lies there that is not yet stored."""
    return sum(path.stat().st_size for path in site.backups.glob(".partial/*"))


def pause(site: Site, pid: int) -> None:
    """Stop a create in the middle of its archive."""
    wait_until(lambda: partial_bytes(site) > 1 << 20, "the archive grows")
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: is_stopped(pid), "it stands still")
    assert partial_bytes(site)


def test_of_twelve_creates_at_one_moment_one_runs(site):
    start = threading.Barrier(12)

    def create(number: int):
        start.wait()
        return site.create(f"twelve-{number}.zip")

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(create, range(12)))

    assert Counter(a.status for a in answers) == {204: 1, 400: 11}
    for answer in answers:
        if answer.status == 400:
            assert answer.json == {"data": {}, "message": BUSY, "status": 400}
    (key,) = site.keys()
    assert answers[int(key.removeprefix("twelve-").removesuffix(".zip"))].status == 204
    assert [o["state"] for o in site.history()] == ["succeeded"]
    assert site.leftovers() == []


@pytest.fixture(scope="module")
def patient_site(make_site: MakeSite) -> Site:
    """A running site on which an operation may stand still for a while."""
    site = make_site().start()
    add_bulk(site)
    assert site.create("first.zip").status == 204
    wait_until(lambda: not site.processes("backup_run"), "the child has ended")
    return site


def test_a_running_create_is_visible_and_keeps_everything_else_out(patient_site):
    site = patient_site
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(site.create, "visible.zip")
        (child,) = wait_until(lambda: site.processes("backup_run"), "the work begins")
        pause(site, child)

        assert not site.can_backup()
        for refused in (
            site.create("second.zip"),
            site.create("Not Even A Valid Name"),
            site.api("POST", "backups", "not even an object"),
            site.restore(site.keys()[0]),
            site.restore("missing.zip"),
        ):
            assert (refused.status, refused.message) == (400, BUSY)
        in_use = site.api("DELETE", "backups/visible.zip")
        assert in_use.status == 400
        assert in_use.message == (
            "The backup is currently being used and cannot be deleted."
        )
        command = site.run_manage("backup_create", "third.zip")
        os.kill(child, signal.SIGCONT)
        assert command.returncode == 4
        assert BUSY_COMMAND in command.stderr

    assert running.result().status == 204
    assert site.can_backup()


def test_a_running_command_keeps_the_api_out(patient_site):
    site = patient_site
    command = site.spawn_manage("backup_create", "command.zip")
    pause(site, command.pid)

    refused = site.create("refused.zip")

    assert (refused.status, refused.message) == (400, BUSY)
    assert not site.can_backup()
    os.kill(command.pid, signal.SIGCONT)
    done = finish(command)
    assert (done.returncode, done.stdout) == (0, "command.zip\n")
    assert "command.zip" in site.keys()


def test_of_four_processes_one_gets_the_lease_each_time(site):
    rounds = 200
    done = finish(site.spawn("-m", "tests.live.lease_race", "4", str(rounds)))
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)

    assert result == {"won": [1] * rounds, "lost": 0, "statuses": [0] * 4}


def test_operations_that_come_and_go_at_one_moment_do_each_other_no_harm(make_site):
    """Whoever sweeps meets folders that losers are just making or removing."""
    site = make_site()
    with Launcher(site) as launcher:
        for number in range(6):
            run = launcher.prepare("backup_create", count=5)
            run.go_on()
            statuses = run.wait()

            output = run.output.read_text()
            assert statuses.count(0) >= 1, output
            assert output.count(BUSY_COMMAND) == statuses.count(4), output
            assert "Traceback" not in output, f"in round {number}"
            assert site.leftovers() == []


def test_a_killed_holder_frees_the_lease_at_once(make_site):
    site = make_site(LEASE_TTL="600").start()
    add_bulk(site)
    command = site.spawn_manage("backup_create", "killed.zip")
    pause(site, command.pid)
    assert not site.can_backup()

    command.kill()
    finish(command)

    assert site.can_backup()
    assert site.create("next.zip").status == 204
    killed = site.operation("killed.zip")
    assert (killed["state"], killed["error"]) == ("failed", INTERRUPTED)
    assert site.keys() == ["next.zip"]
    assert site.leftovers() == []


def test_a_create_paused_beyond_its_lease_publishes_nothing(site):
    command = site.spawn_manage("backup_create", "paused.zip")
    pause(site, command.pid)
    refused = site.create("too-early.zip")
    assert (refused.status, refused.message) == (400, BUSY)

    wait_until(site.can_backup, "the lease ends")
    assert site.create("meanwhile.zip").status == 204
    os.kill(command.pid, signal.SIGCONT)
    done = finish(command)

    assert done.returncode == 1
    assert LOST in done.stderr
    assert "meanwhile.zip" in site.keys()
    assert "paused.zip" not in site.keys()
    paused = site.operation("paused.zip")
    assert paused["state"] == "failed"
    assert paused["error"] in (LOST, INTERRUPTED)
    assert site.can_backup()
    assert site.create("after.zip").status == 204
    assert site.leftovers() == []


@pytest.fixture(scope="module")
def small_site(make_site: MakeSite) -> Site:
    """A running site without bulk, with an archive and an article since."""
    require_program("strace")
    site = make_site(LEASE_TTL="2").start()
    site.add_article("old")
    assert site.create("old.zip").status == 204
    return site


def test_a_restore_paused_beyond_its_lease_commits_nothing(small_site):
    site = small_site
    with Launcher(site) as launcher, Launcher(site) as other:
        calls = launcher.record(*RESTORE, "old.zip")
        begin = first_journal(calls)
        site.add_article("newer")
        with launcher.paused_after(calls[begin - 1], *RESTORE, "old.zip") as paused:
            wait_until(site.can_backup, "the lease ends")
            assert other.run("backup_create", "newer.zip").status == 0
            site.add_article("newest")
            paused.go_on()
            ended = paused.end()

    assert ended.status == 1
    assert LOST in ended.output
    assert site.state()["titles"] == ["old", "newer", "newest"]
    assert site.operation("old.zip", "restore")["state"] == "failed"
    assert site.can_backup()
    assert site.create("after.zip").status == 204
    assert site.leftovers() == []


def test_whoever_sees_the_outcome_of_a_create_finds_the_lease_free(small_site):
    """Or a client whose create was answered would be refused the next one."""
    site = small_site
    with Launcher(site) as launcher:
        calls = launcher.record("backup_create", "recorded.zip")
        writes = [
            c for c in calls if c.name == "pwrite64" and "db.sqlite3-wal" in c.text
        ]
        for number, write in enumerate(writes[-4:]):
            key = f"seen-{number}.zip"
            with launcher.paused_after(write, "backup_create", key) as paused:
                running, lease = running_and_lease(site, key)
                paused.go_on()
                assert paused.end().status == 0
            assert running == bool(lease), f"after {write}"


def running_and_lease(site: Site, key: str) -> tuple[bool, str | None]:
    """Read, as others see them, whether the create runs, and who has the lease."""
    with site.database() as database:
        return database.execute(
            "SELECT state = 'running', token FROM backups_lease,"
            " (SELECT state FROM backups_operation WHERE key = ?)",
            [key],
        ).fetchone()


def first_journal(calls) -> int:
    """Return the index of the call that shows the journal."""
    return next(
        n
        for n, call in enumerate(calls)
        if call.name in ("rename", "link") and '/journal.json"' in call.text
    )


def test_a_paused_restore_can_not_touch_the_journal_of_the_next_one(small_site):
    """The worst order: the next one is killed in its commit, the paused goes on."""
    site = small_site
    with Launcher(site) as launcher, Launcher(site) as other:
        calls = launcher.record(*RESTORE, "old.zip")
        show = calls[first_journal(calls) - 1]
        site.add_article("newer")
        before = site.content()
        with launcher.paused_after(show, *RESTORE, "old.zip") as paused:
            wait_until(site.can_backup, "the lease ends")
            move_in = find_call(calls, "rename", '/new/articles", ')
            with other.paused_after(move_in, *RESTORE, "old.zip") as next_one:
                assert site.request("GET", "/site/state").status == 503
                paused.go_on()
                ended = paused.end()
                assert ended.status == 4
                assert site.request("GET", "/site/state").status == 503
                next_one.kill()
                next_one.wait()

    state = site.state()
    assert site.content() == before
    assert state["titles"] == state["files"] == before["default"]
    assert site.can_backup()
    assert site.create("and-on.zip").status == 204
    assert site.leftovers() == []
