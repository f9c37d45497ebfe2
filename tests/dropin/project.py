"""A project that knows nothing of this app: its files, its commands, its server."""

import fcntl
import http.client
import json
import os
import shutil
import signal
import subprocess
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any, Self

from tests.live.server import LONG, Answer, free_port, wait_until

from .environments import clean_environ
from .shapes import EMAIL, NAME, PASSWORD, Shape

SETUP = """
import django, os
os.environ["DJANGO_SETTINGS_MODULE"] = "{name}.settings"
django.setup()
"""
PREPARE = f"""
import json, sys
from django.core.management import execute_from_command_line
os.environ["DJANGO_SUPERUSER_PASSWORD"] = {PASSWORD!r}
for command in json.loads(sys.argv[1]):
    execute_from_command_line(["manage.py", *command])
"""
"""What one would type, in one process to save time."""

WSGIREF = """
import sys
from wsgiref.simple_server import make_server
from {name}.wsgi import application
make_server("127.0.0.1", int(sys.argv[1]), application).serve_forever()
"""


class Project:
    """A project of one *shape*, run by *python* from its own folder."""

    def __init__(self, folder: Path, python: Path, shape: Shape) -> None:
        self.folder = folder
        self.python = python
        self.shape = shape
        self.port = free_port()
        self.log = folder.with_suffix(".log")
        self.environment = clean_environ()
        self.server: subprocess.Popen[bytes] | None = None
        self._token = ""

    # Its making ----------------------------------------------------------

    def make(self) -> Self:
        """Start a project, shape it, migrate it and make a superuser."""
        self.folder.mkdir()
        self.run("-m", "django", "startproject", NAME, ".")
        for name, content in self.shape.files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        self.shape.edit(self.folder)
        self.script(PREPARE, json.dumps([*self.shape.commands, self.superuser]))
        return self

    @property
    def superuser(self) -> tuple[str, ...]:
        return "createsuperuser", "--no-input", *self.shape.superuser

    def run(self, *arguments: str) -> str:
        """Run Python in the folder of the project; return what it prints."""
        done = subprocess.run(
            [str(self.python), *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def manage(self, *arguments: str) -> str:
        return self.run("manage.py", *arguments)

    def script(self, source: str, *arguments: str) -> str:
        """Run *source* in a Python with the project set up."""
        return self.run("-c", SETUP.format(name=NAME) + source, *arguments)

    # Its server ----------------------------------------------------------

    def start(self) -> Self:
        with self.log.open("ab") as log:
            self.server = subprocess.Popen(
                [str(self.python), *self.server_command()],
                cwd=self.folder,
                env=self.environment | self.shape.server_environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(self.is_up, "the server answers")
        return self

    def server_command(self) -> tuple[str, ...]:
        if self.shape.server == "wsgiref":
            return "-c", WSGIREF.format(name=NAME), str(self.port)
        bind = f"127.0.0.1:{self.port}"
        options = (
            "--bind",
            bind,
            "--no-control-socket",
            *self.shape.server.split()[1:],
        )
        return "-m", "gunicorn", *options, f"{NAME}.wsgi"

    def is_up(self) -> bool:
        assert self.server and self.server.poll() is None, self.log.read_text()
        try:
            return self.api("GET", "health", token="").status == 200
        except OSError:
            return False  # It does not listen yet.

    def stop(self) -> None:
        if self.server:
            os.killpg(self.server.pid, signal.SIGKILL)
            self.server.wait()
            self.server = None

    def request(
        self, method: str, path: str, data: Any = None, **headers: str
    ) -> Answer:
        """Send JSON to a path of the project."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONG)
        body = None if data is None else json.dumps(data)
        with closing(connection):
            connection.request(
                method, path, body, {"Content-Type": "application/json"} | headers
            )
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())

    def api(
        self,
        method: str,
        path: str,
        data: Any = None,
        *,
        token: str | None = None,
        **headers: str,
    ) -> Answer:
        """Send a request to the API, as the superuser if no *token* is given."""
        if token is None:
            token = self.token
        if token:
            headers["Authorization"] = token
        return self.request(method, f"{self.shape.api}{path}", data, **headers)

    def log_in(self, identity: str = EMAIL, password: str = PASSWORD) -> Answer:
        data = {"identity": identity, "password": password}
        path = "collections/_superusers/auth-with-password"
        return self.api("POST", path, data, token="")

    @property
    def token(self) -> str:
        if not self._token:
            answer = self.log_in()
            assert answer.status == 200, answer
            self._token = answer.json["token"]
        return self._token

    def wait_until_idle(self) -> None:
        def is_idle() -> bool:
            answer = self.api("GET", "health")
            return answer.status == 200 and answer.json["data"].get("canBackup", False)

        wait_until(is_idle, "the operation ends")

    # Its content ---------------------------------------------------------

    @property
    def content(self) -> Any:
        """What its own page shows: rows, and the files that they name."""

        def look() -> Answer | None:
            answer = self.request("GET", self.shape.page)
            return None if answer.status == 503 else answer  # In a commit.

        answer = wait_until(look, "the site is open")
        assert answer.status == 200, answer
        return answer.json

    @content.setter
    def content(self, title: str) -> None:
        answer = self.request("POST", self.shape.page, {"title": title})
        assert answer.status == 200, answer

    # Its folders ---------------------------------------------------------

    @property
    def store(self) -> Path:
        return self.folder / self.shape.store

    @property
    def workspace(self) -> Path:
        return self.folder / self.shape.workspace

    def close(self) -> None:
        """Close the site like a restore does that is just being committed."""
        token = str(uuid.uuid4())
        folder = self.workspace / "operations" / token
        folder.mkdir(parents=True)
        self.lock = (folder / "lock").open("w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        journal = {"token": token, "step": "draining", "undo": {}, "media_root": None}
        (self.workspace / "journal.json").write_text(json.dumps(journal))

    def open(self) -> None:
        (self.workspace / "journal.json").unlink()
        shutil.rmtree(Path(self.lock.name).parent)
        self.lock.close()
