"""A restore that is killed at any point leaves the old site or the new one.

CRASH_POINTS says at how many points; 0 means at every single one.
"""

import os
import random
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterator

import pytest

from .conftest import MakeSite, require_program
from .crash import Call, Launcher, find_call
from .server import Site, wait_until

pytestmark = pytest.mark.live

POINTS = int(os.environ.get("CRASH_POINTS", "14"))
RESTORE = ("backup_restore", "--no-input", "old.zip")
COMPLETED = "The interrupted restore was completed."
UNDONE = "The interrupted restore was undone; the site is as it was before."
NOTHING = "There was nothing to recover."


@pytest.fixture(scope="module")
def site(make_site: MakeSite) -> Site:
    require_program("strace")
    site = make_site().start()
    fill(site, "old")
    site.manage("backup_create", "old.zip")
    return site


@pytest.fixture(scope="module")
def launcher(site: Site) -> Iterator[Launcher]:
    with Launcher(site) as launcher:
        yield launcher


@pytest.fixture(scope="module")
def calls(site: Site, launcher: Launcher) -> list[Call]:
    """The calls of one undisturbed restore that change something."""
    fill(site, "new")
    calls = launcher.record(*RESTORE)
    assert site.titles() == [f"old-{n}" for n in range(4)]
    return [call for call in calls if "= -1 E" not in call.text]


def fill(site: Site, name: str) -> None:
    """Give the site other rows in each database and other files."""
    for path in site.media_files():
        (site.media / path).unlink()
    (site.media / "articles").mkdir(parents=True, exist_ok=True)
    titles = [f"{name}-{n}" for n in range(4)]
    for title in titles:
        (site.media / "articles" / f"{title}.txt").write_text(title)
        (site.media / f"{title}.bin").write_bytes(random.randbytes(5000))
    rows = [(title, "x" * 20_000, f"articles/{title}.txt") for title in titles]
    for database in ("db", "second"):
        with site.database(database) as connection:
            replace_rows(connection, rows)


def replace_rows(connection: sqlite3.Connection, rows: list[tuple]) -> None:
    connection.execute("DELETE FROM site_article")
    connection.executemany(
        "INSERT INTO site_article (title, body, attachment, summary)"
        " VALUES (?, ?, ?, '')",
        rows,
    )


def choose(calls: list[Call], count: int) -> list[Call]:
    """Return *count* of the calls, most of them from the time of the commit."""
    if count == 0:
        return calls
    begin = calls.index(find_call(calls, "link", '/journal.json"'))
    end = calls.index(find_call(calls, "unlink", '/journal.json"'))
    few = max(1, count // 7)
    pick = random.Random(4)
    return (
        pick.sample(calls[:begin], few)
        + sorted(pick.sample(calls[begin : end + 1], count - 2 * few))
        + pick.sample(calls[end + 1 :], few)
    )


def test_a_killed_restore_leaves_the_old_site_or_the_new_one(site, launcher, calls):
    assert launcher.run(*RESTORE).status == 0
    archived = site.content()
    rows = {site.operation("old.zip", "restore")["id"]}
    ends = Counter[str]()
    for number, call in enumerate(choose(calls, POINTS)):
        fill(site, f"new{number}")
        before = site.content()

        status = launcher.kill_at(call, *RESTORE)

        assert status in (0, -signal.SIGKILL)
        state = site.state()  # The next request finds the site open.
        content = site.content()
        assert content in (archived, before), f"mixed after a kill at {call}"
        assert state["titles"] == state["files"] == content["default"], call
        row = site.operation("old.zip", "restore")
        is_new = row["state"] == "succeeded" and row["id"] not in rows
        assert is_new == (content == archived), (call, row)
        rows.add(row["id"])
        assert site.can_backup(), f"busy after a kill at {call}"
        make_stale(site)
        assert launcher.run("backup_create", f"later-{number}.zip").status == 0, call
        assert site.leftovers() == [], f"after a kill at {call}"
        assert site.operation("old.zip", "restore")["state"] != "running"
        ends["restored" if content == archived else "as before"] += 1
    print(f"\n{ends.total()} kills, then {dict(ends)}, 0 mixed")
    assert len(ends) == 2
    assert site.create("the-last.zip").status == 204


def make_stale(site: Site) -> None:
    """Let an hour pass over what a killed process left in the workspace."""
    for path in site.workspace.glob("*.new"):
        os.utime(path, (path.stat().st_mtime - 3600,) * 2)


def recover(launcher: Launcher) -> str:
    """Run the command; return its last line, without the log before it."""
    status, output = launcher.run("backup_recover")
    assert status == 0, output
    return output.splitlines()[-1]


def test_the_command_tells_that_it_undid_the_restore(site, launcher, calls):
    fill(site, "before")
    before = site.content()
    call = find_call(calls, "rename", '/new/old-1.bin", ')
    assert launcher.kill_at(call, *RESTORE) == -signal.SIGKILL

    assert recover(launcher) == UNDONE
    assert recover(launcher) == NOTHING

    assert site.content() == before
    row = site.operation("old.zip", "restore")
    assert (row["state"], row["error"]) == (
        "failed",
        "The restore was interrupted; the site was put back as it was before.",
    )


def test_the_command_tells_that_it_completed_the_restore(site, launcher, calls):
    fill(site, "before")
    call = find_call(calls, "rename", '/generation"')
    assert launcher.kill_at(call, *RESTORE) == -signal.SIGKILL

    assert recover(launcher) == COMPLETED
    assert recover(launcher) == NOTHING

    assert site.titles() == site.titles("second") == [f"old-{n}" for n in range(4)]
    assert site.operation("old.zip", "restore")["state"] == "succeeded"
    assert site.can_backup()


def test_a_killed_recovery_can_be_repeated(site, launcher, calls):
    fill(site, "before")
    before = site.content()
    last_step = find_call(calls, "rename", '/new/old-3.bin", ')
    for nth in (1, 3, 6):
        # Of the recovery's own renames; each trial gets some steps further.
        assert launcher.kill_at(last_step, *RESTORE) == -signal.SIGKILL
        launcher.kill_at(Call("rename", nth, ""), "backup_recover")
        launcher.kill_at(Call("rename", nth, ""), "backup_recover")

        launcher.run("backup_recover")

        assert site.content() == before
        assert site.can_backup()
        wait_until(lambda: site.state()["titles"] == before["default"], "it is open")


def test_what_a_killed_clean_up_leaves_is_removed_by_the_next_operation(
    site, launcher, calls
):
    fill(site, "before")
    # By then the lock file of the operation is gone, but not its folder.
    call = find_call(calls, "unlinkat", '"second.undo"')
    assert launcher.kill_at(call, *RESTORE) == -signal.SIGKILL
    assert site.leftovers() != []

    make_stale(site)
    assert launcher.run("backup_create").status == 0

    assert site.leftovers() == []
