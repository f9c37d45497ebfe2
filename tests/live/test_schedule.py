"""Automatic backups on servers that are running: each slot once, whoever runs it."""

import json
import os
import re
import signal
from pathlib import Path

import pytest

from .conftest import MakeSite
from .server import Site, finish, wait_until

pytestmark = pytest.mark.live

AUTOMATIC = "@auto_pb_backup_acme_"


def schedule(site: Site, cron: str, *, missed: bool = True) -> None:
    """Set the schedule; with *missed*, as if the site had been down since 1970."""
    site.manage("backup_settings", f"backups.cron={cron}", "backups.cronMaxKeep=5")
    if missed:
        with site.database() as database:
            database.execute("UPDATE backups_sitesettings SET slot = 0")


def automatic(site: Site) -> list[tuple[str, str, str]]:
    """Return key, state and actor of each automatic backup in the history."""
    with site.database() as database:
        return database.execute(
            "SELECT key, state, actor FROM backups_operation"
            " WHERE kind = 'create' ORDER BY started"
        ).fetchall()


def ended(site: Site, count: int = 1) -> list[tuple[str, str, str]] | None:
    rows = automatic(site)
    return rows if [r[1] for r in rows if r[1] != "running"][count - 1 :] else None


def test_four_processes_run_each_of_a_thousand_slots_once(make_site: MakeSite):
    site = make_site()
    schedule(site, "* * * * *", missed=False)
    done = finish(site.spawn("-m", "tests.live.slot_race", "4", "1000"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"runs": [1] * 1000, "statuses": [0] * 4}


def test_two_servers_catch_up_once_and_then_share_the_next_slot(make_site: MakeSite):
    site = make_site()
    schedule(site, "* * * * *")
    other = Site(site.folder)
    site.start(wait=False)
    other.start(wait=False)
    try:
        wait_until(lambda: ended(site), "the missed slot is caught up")
        wait_until(lambda: ended(site, 2), "the next slot is run", timeout=90)
        # Whoever else was to run it would have begun by now.
        rows = automatic(site)
    finally:
        other.stop()
    assert [row[1:] for row in rows] == [("succeeded", "schedule")] * 2
    assert all(row[0].startswith(AUTOMATIC) for row in rows)
    site.stop()
    assert len(list(site.backups.glob("@auto*.zip"))) == 2


def test_the_system_s_cron_may_run_it_instead(make_site: MakeSite):
    site = make_site(SCHEDULER="false")
    schedule(site, "@hourly")
    assert "was made" in site.manage("backup_run_due")
    assert "Nothing is due" in site.manage("backup_run_due")
    assert len(list(site.backups.glob("@auto*.zip"))) == 1


def test_so_may_a_process_of_its_own_that_ends_when_told_to(make_site: MakeSite):
    site = make_site()
    schedule(site, "@hourly")
    scheduler = site.spawn_manage("backup_scheduler")
    wait_until(lambda: ended(site), "the missed slot is caught up")
    scheduler.send_signal(signal.SIGTERM)
    done = finish(scheduler)
    assert done.returncode == 0
    assert [row[1:] for row in automatic(site)] == [("succeeded", "schedule")]


def mails(folder: Path) -> list[str]:
    """Return the mails that are written to their end: Django draws a line there."""
    texts = [path.read_text() for path in folder.glob("*.log")]
    return [text for text in texts if text.endswith("---\n")]


def test_a_killed_one_is_mailed_and_the_schedule_goes_on(
    make_site: MakeSite, tmp_path: Path
):
    site = make_site(EMAIL_URL=f"filemail:///{tmp_path}")
    for n in range(20):
        site.media.mkdir(exist_ok=True)
        (site.media / f"bulk-{n}.bin").write_bytes(os.urandom(2 << 20))
    schedule(site, "@hourly")
    site.start(wait=False)
    (child,) = wait_until(lambda: site.processes("backup_run"), "the work begins")
    os.kill(child, signal.SIGKILL)
    (mail,) = wait_until(lambda: mails(tmp_path), "a mail is sent")

    assert "Subject: [Acme system alert] Autobackup failure" in mail
    assert "The process that ran it was killed by signal 9." in mail
    wait_until(site.is_healthy, "the server answers")
    schedule(site, "@hourly")
    assert "was made" in site.manage("backup_run_due")
    assert [row[1] for row in automatic(site)] == ["failed", "succeeded"]


def test_an_operation_is_followed_by_its_id_through_all_processes(
    make_site: MakeSite,
):
    site = make_site(ACCESS_LOG="-").start()
    site.create("one.zip")
    token = site.api("POST", "files/token").json["token"]
    site.request("GET", f"/api/backups/one.zip?token={token}")
    operation = site.wait_for_end("one.zip")

    lines = site.log.read_text().splitlines()
    mine = [line for line in lines if f"operation={operation['id']}" in line]
    events = [re.search(r"event=(\S+)", line)[1] for line in mine]
    # The worker and the process that it starts write at the same time.
    assert {*events} == {"claimed", "started", "adopted", "phase", "succeeded"}
    assert (events[0], events[-1]) == ("claimed", "succeeded")
    assert "kind=create key=one.zip" in mine[0]
    assert '"GET /api/backups/one.zip" 200' in site.log.read_text()
    assert token not in site.log.read_text()
    assert site.token not in site.log.read_text()
