"""Servers on loopback that live as long as a job needs them."""

import contextlib
import http.client
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.site import EMAIL, PASSWORD, ROOT, Site

NGINX = """
worker_processes 2; daemon off; user root; pid {work}/nginx.pid;
error_log {work}/nginx.log;
events {{ }}
http {{
    access_log off; sendfile on; tcp_nopush on;
    client_body_temp_path {work}/body; proxy_temp_path {work}/proxy;
    fastcgi_temp_path {work}/fastcgi; uwsgi_temp_path {work}/uwsgi;
    scgi_temp_path {work}/scgi;
    server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


def free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running(
    command: Sequence[str], log: Path, is_up: Callable[[], bool], **options: Any
) -> Iterator[int]:
    """Run a server; yield its process id once it answers."""
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **options
        )
    try:
        deadline = time.monotonic() + 60
        while not is_up():
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} does not start; see {log}")
            time.sleep(0.1)
        yield server.pid
    finally:
        server.terminate()
        server.wait()


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def s3_server() -> Iterator[str]:
    """Yield the address of an S3 server, or "" where there is none."""
    if not (find_spec("moto") and find_spec("flask") and find_spec("boto3")):
        yield ""
        return
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", f"{port}"]
    with running(command, Path("/dev/null"), lambda: listens(port)):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def nginx(root: Path, work: Path) -> Iterator[tuple[str, int]]:
    """Serve a folder by nginx; yield its address and process id, or "" and 0."""
    if not shutil.which("nginx"):
        yield "", 0
        return
    work = work.resolve()
    port = free_port()
    configuration = work / "nginx.conf"
    text = NGINX.format(work=work, port=port, root=root.resolve())
    configuration.write_text(text)
    command = ["nginx", "-p", str(work), "-c", str(configuration)]
    with running(command, work / "nginx.out", lambda: listens(port)) as process:
        yield f"http://127.0.0.1:{port}", process


@dataclass(frozen=True)
class LiveSite:
    """A site served by gunicorn, as ``make serve`` does."""

    port: int
    process: int
    token: str = ""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def post(self, path: str, **fields: str) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Content-Type": "application/json", "Authorization": self.token}
        with contextlib.closing(connection):
            connection.request("POST", path, json.dumps(fields), headers)
            response = connection.getresponse()
            body = response.read()
            if response.status >= 300:
                raise RuntimeError(f"{path}: {response.status} {body!r}")
            return json.loads(body)

    def download_address(self, key: str) -> str:
        """Return the address of an archive, with a token that is good for minutes."""
        token = self.post("/api/files/token")["token"]
        return f"{self.address}/api/backups/{key}?token={token}"


@contextlib.contextmanager
def gunicorn(site: Site, work: Path) -> Iterator[LiveSite]:
    port = free_port()
    command = [sys.executable, "-m", "gunicorn"]
    configuration = ["--config", "backups_project/gunicorn.py"]
    environment = site.environment | {"PORT": str(port), "WORKERS": "2"}
    with running(
        [*command, *configuration],
        work / "gunicorn.log",
        lambda: listens(port),
        cwd=ROOT,
        env=environment,
    ) as process:
        path = "/api/collections/_superusers/auth-with-password"
        answer = LiveSite(port, process).post(path, identity=EMAIL, password=PASSWORD)
        yield LiveSite(port, process, answer["token"])
