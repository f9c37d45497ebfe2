"""A journal that a dead restore left behind is settled by whoever comes first."""

import signal
from collections.abc import Iterator

import pytest

from .conftest import MakeSite, require_program
from .crash import Call, Launcher, find_call
from .server import Site, wait_until

pytestmark = pytest.mark.live

RESTORE = ("backup_restore", "--no-input", "old.zip")
BUSY_COMMAND = "Another backup or restore is already running."


@pytest.fixture(scope="module")
def site(make_site: MakeSite) -> Site:
    """A site that is not running, with an archive and other content since."""
    require_program("strace")
    site = make_site().start()
    for n in range(3):
        site.add_article(f"old-{n}")
    assert site.create("old.zip").status == 204
    for n in range(3):
        site.add_article(f"new-{n}")
    site.stop()
    return site


@pytest.fixture(autouse=True)
def stopped_after(site: Site) -> Iterator[None]:
    yield
    site.stop()


@pytest.fixture(scope="module")
def launcher(site: Site) -> Iterator[Launcher]:
    with Launcher(site) as launcher:
        yield launcher


@pytest.fixture(scope="module")
def before_commit(site: Site, launcher: Launcher) -> Call:
    """The call that moves the new files in: nothing is committed yet."""
    kept = site.folder / "kept"
    with site.database() as database:
        database.execute("VACUUM INTO ?", [str(kept)])
    media = site.media_files()
    calls = launcher.record(*RESTORE)
    put_back(site, media)
    return find_call(calls, "rename", '/new/articles", ')


def put_back(site: Site, media: dict[str, bytes]) -> None:
    """Make the site again what it was before it was restored."""
    for path, data in media.items():
        (site.media / path).write_bytes(data)
    with site.database() as database:
        database.execute("ATTACH ? AS kept", [str(site.folder / "kept")])
        database.execute("DELETE FROM site_article")
        database.execute("INSERT INTO site_article SELECT * FROM kept.site_article")


def abandon(site: Site, launcher: Launcher, call: Call) -> None:
    """Leave the journal of a restore behind that was killed in its commit."""
    assert launcher.kill_at(call, *RESTORE) == -signal.SIGKILL
    assert (site.workspace / "journal.json").exists()


def test_a_server_that_starts_settles_the_restore_by_itself(
    site, launcher, before_commit
):
    before = site.content()
    abandon(site, launcher, before_commit)
    assert site.content() != before

    site.start(wait=False)  # Not one request is sent.
    journal = site.workspace / "journal.json"
    wait_until(lambda: not journal.exists(), "the start settles the restore")

    assert site.content() == before
    wait_until(site.is_healthy, "the server answers")
    assert site.can_backup()


def test_the_first_request_settles_the_restore(site, launcher, before_commit):
    site.start()
    before = site.content()
    abandon(site, launcher, before_commit)

    state = site.state()

    assert state["titles"] == state["files"] == before["default"]
    assert site.content() == before


def test_a_create_settles_the_restore_first(site, launcher, before_commit):
    before = site.content()
    abandon(site, launcher, before_commit)

    assert launcher.run("backup_create", "after-the-crash.zip").status == 0

    assert site.content() == before
    assert site.leftovers() == []


def test_recoveries_at_one_moment_do_each_other_no_harm(site, launcher, before_commit):
    before = site.content()
    for _ in range(5):
        abandon(site, launcher, before_commit)
        run = launcher.prepare("backup_recover", count=4)
        run.go_on()
        statuses = run.wait()

        output = run.output.read_text()
        assert output.count("The interrupted restore was undone;") == 1, output
        assert statuses.count(0) >= 1
        assert statuses.count(4) == output.count(BUSY_COMMAND), output
        assert "Traceback" not in output
        assert site.content() == before
        assert launcher.run("backup_create").status == 0
        assert site.leftovers() == []


def test_servers_that_start_and_recover_at_one_moment_all_serve(
    site, launcher, before_commit
):
    """The two workers, and a command, find the same journal."""
    before = site.content()
    for _ in range(3):
        abandon(site, launcher, before_commit)
        run = launcher.prepare("backup_recover", count=2)
        site.start(wait=False)
        run.go_on()
        run.wait()
        wait_until(site.is_healthy, "the server answers")
        assert site.state()["titles"] == before["default"]
        assert len(site.workers) == 2
        site.stop()
    assert site.content() == before
