"""A real site for a test: its folder, its gunicorn, and how to talk to both."""

import http.client
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

ROOT = Path(__file__).resolve().parents[2]
EMAIL = "admin@example.com"
PASSWORD = "a-long-test-password"
USER = "user@example.com"
BUSY = "Try again later - another backup/restore process has already been started."
T = TypeVar("T")
LONG = 30.0
"""Seconds after which a test that waits for something gives up."""


class Answer(NamedTuple):
    """What the server sent."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def message(self) -> str:
        return self.json["message"]


def wait_until(look: Callable[[], T], what: str, timeout: float = LONG) -> T:
    """Look again and again until it is true; return what was seen."""
    deadline = time.monotonic() + timeout
    while not (seen := look()):
        assert time.monotonic() < deadline, f"Waited {timeout:g} s in vain: {what}."
        time.sleep(0.02)
    return seen


class Site:
    """One site below *folder*, served by gunicorn with two workers."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.media = folder / "media"
        self.workspace = folder / "workspace"
        self.backups = folder / "backups"
        self.log = folder / "server.log"
        self.server: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self._token = ""
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.live_settings",
            "DJANGO_SUPERUSER_EMAIL": EMAIL,
            "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
            "DATA_DIR": str(folder),
            "EXTRA_DATABASES": f"second=sqlite:///{folder / 'second.sqlite3'}",
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "WORKERS": "2",
            "PYTHONPATH": str(ROOT),
            **environment,
        }

    # Its life ------------------------------------------------------------

    @classmethod
    def copy(cls, template: Path, folder: Path, **environment: str) -> Self:
        """Return a site that begins like the one in *template*."""
        shutil.copytree(template, folder)
        return cls(folder, **environment)

    def install(self) -> None:
        """Make the databases, a superuser and an ordinary user."""
        self.manage("migrate", "--verbosity", "0")
        self.manage("migrate", "--verbosity", "0", "--database", "second")
        self.manage("first_superuser")
        self.script(
            "from django.contrib.auth.models import User\n"
            f"User.objects.create_user({USER!r}, {USER!r}, {PASSWORD!r})\n"
        )

    def start(self, *, wait: bool = True) -> Self:
        command = [sys.executable, "-m", "gunicorn"]
        with self.log.open("ab") as log:
            self.server = subprocess.Popen(
                [*command, "--config", "backups_project/gunicorn.py"],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if wait:
            wait_until(self.is_healthy, "the server answers")
        return self

    def is_healthy(self) -> bool:
        assert self.server and self.server.poll() is None, self.log.read_text()
        try:
            return self.request("GET", "/api/health").status == 200
        except OSError:
            return False  # It does not listen yet.

    def stop(self) -> None:
        """End the server at once; operations go on."""
        if self.server:
            os.killpg(self.server.pid, signal.SIGKILL)
            self.server.wait()
            self.server = None

    def remove(self) -> None:
        """End every process of the site, and delete what it holds."""
        self.stop()
        for pid in self.processes():
            kill(pid, signal.SIGKILL)
        wait_until(lambda: not self.processes(), "its processes end")
        shutil.rmtree(self.folder)

    def processes(self, *words: str) -> list[int]:
        """Return the processes of this site whose command line has all *words*."""
        mark = f"DATA_DIR={self.folder}".encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes().decode().split("\0")
                if mark in (folder / "environ").read_bytes().split(b"\0"):
                    found += [int(folder.name)] if {*words} <= {*command} else []
            except OSError:
                pass  # It ended this instant.
        return found

    @property
    def master(self) -> int:
        assert self.server
        return self.server.pid

    @property
    def workers(self) -> set[int]:
        return children_of(self.master)

    # Its doors -----------------------------------------------------------

    def request(
        self,
        method: str,
        path: str,
        body: bytes | str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send one request over a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONG)
        with closing(connection):
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())

    def api(self, method: str, path: str, data: Any = None, **headers: str) -> Answer:
        """Send a request to the API as the superuser."""
        body = None if data is None else json.dumps(data)
        return self.request(
            method,
            f"/api/{path}",
            body,
            {"Authorization": self.token, "Content-Type": "application/json"}
            | {name.replace("_", "-"): value for name, value in headers.items()},
        )

    @property
    def token(self) -> str:
        if not self._token:
            answer = self.request(
                "POST",
                "/api/collections/_superusers/auth-with-password",
                json.dumps({"identity": EMAIL, "password": PASSWORD}),
                {"Content-Type": "application/json"},
            )
            assert answer.status == 200, answer
            self._token = answer.json["token"]
        return self._token

    def create(self, name: str) -> Answer:
        return self.api("POST", "backups", {"name": name})

    def restore(self, key: str) -> Answer:
        return self.api("POST", f"backups/{key}/restore")

    def keys(self) -> list[str]:
        return [item["key"] for item in self.api("GET", "backups").json]

    def can_backup(self) -> bool:
        return self.api("GET", "health").json["data"]["canBackup"]

    def add_article(self, title: str) -> Answer:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        body = urllib.parse.urlencode({"title": title})
        return self.request("POST", "/site/add", body, form)

    def state(self) -> Any:
        answer = self.request("GET", "/site/state")
        assert answer.status == 200, answer
        return answer.json

    def history(self) -> list[dict[str, Any]]:
        """Return the operations that the API tells of, newest first."""
        answer = self.api("GET", "operations")
        return answer.json if answer.status == 200 else []  # 503: in a commit.

    def operation(self, key: str, kind: str = "create") -> dict[str, Any]:
        """Return the newest operation of that kind and key, or an empty one."""
        wanted = (kind, key)
        found = (o for o in self.history() if (o["kind"], o["key"]) == wanted)
        return next(found, {})

    def wait_for_end(self, key: str, kind: str = "create") -> dict[str, Any]:
        """Return that operation once it has ended and the next may start.

        A restore has succeeded before it has deleted the old media.
        """

        def look() -> dict[str, Any] | None:
            found = self.operation(key, kind)
            return found if found.get("state") in ("succeeded", "failed") else None

        ended = wait_until(look, f"the end of the {kind} of {key}")
        wait_until(self.can_backup, "the next operation may start")
        return ended

    # Its commands --------------------------------------------------------

    def spawn(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def spawn_manage(self, *arguments: str) -> "subprocess.Popen[str]":
        return self.spawn("-m", "django", *arguments)

    def run_manage(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of ``manage.py`` to its end, however it ends."""
        return finish(self.spawn_manage(*arguments))

    def manage(self, *arguments: str) -> str:
        """Run a command of ``manage.py`` that must succeed; return what it prints."""
        done = self.run_manage(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def script(self, source: str) -> str:
        """Run *source* in a Python of this site; return what it prints."""
        done = finish(self.spawn("-c", f"import django; django.setup()\n{source}"))
        assert done.returncode == 0, done.stderr
        return done.stdout

    # What it holds -------------------------------------------------------

    @contextmanager
    def database(self, name: str = "db") -> Iterator[sqlite3.Connection]:
        """Open a database from outside; what is changed is committed."""
        with (
            closing(
                sqlite3.connect(self.folder / f"{name}.sqlite3", timeout=LONG)
            ) as database,
            database,
        ):
            yield database

    def titles(self, name: str = "db") -> list[str]:
        with self.database(name) as database:
            rows = database.execute("SELECT title FROM site_article ORDER BY id")
            return [title for (title,) in rows]

    def media_files(self) -> dict[str, bytes]:
        """Return what each file holds, without what restores stage or keep."""
        # Not even looked into: a recovery may be deleting them.
        entries = [path for path in self.media.glob("*") if path.name[0] != "."]
        files = entries + [path for entry in entries for path in entry.rglob("*")]
        return {
            str(path.relative_to(self.media)): path.read_bytes()
            for path in files
            if path.is_file()
        }

    def content(self) -> dict[str, Any]:
        """Return all that a restore replaces."""
        return {
            "default": self.titles(),
            "second": self.titles("second"),
            "media": self.media_files(),
        }

    def leftovers(self) -> list[str]:
        """Return what a site at rest should not have on its disk."""
        allowed = {"gate.lock", "generation", "operations", "reloads"}
        found = [p for p in self.workspace.glob("*") if p.name not in allowed]
        found += self.workspace.glob("operations/*")
        found += self.media.glob(".*")
        found += self.backups.glob(".partial/*")
        return [str(path.relative_to(self.folder)) for path in found]

    def log_tail(self) -> str:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return "\n".join(lines[-80:])


def finish(process: "subprocess.Popen[str]") -> "subprocess.CompletedProcess[str]":
    """Wait for the end of a process, and return what it printed."""
    try:
        out, err = process.communicate(timeout=2 * LONG)
    finally:
        process.kill()
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def kill(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass  # It ended this instant.


def parent(pid: int) -> int:
    return int(_status(pid, "PPid"))


def children_of(pid: int) -> set[int]:
    """Return the processes that the main thread of *pid* has begun."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    return {int(child) for child in children.read_text().split()}


def has_ended(pid: int) -> bool:
    """Whether the process is gone, or only waits for somebody to ask how it ended."""
    try:
        return _status(pid, "State")[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def is_stopped(pid: int) -> bool:
    """Whether SIGSTOP has reached it, also if it is being traced."""
    return _status(pid, "State")[0] in "Tt"


def _status(pid: int, name: str) -> str:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(
        line.split(":", 1)[1].strip() for line in lines if line.startswith(name)
    )
