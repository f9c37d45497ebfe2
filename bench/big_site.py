"""Prove a whole cycle on a real, big site and print the figures.

    python bench/big_site.py SITE

SITE is a folder with ``db.sqlite3`` and ``media/``. The script copies it, starts
the reference project over it, and then, through the HTTP API: creates a backup
while a writer inserts steadily, downloads it, uploads it under another name,
changes the site, restores the upload, and compares every row and every byte.
It samples the memory of every process of the site all the while.
"""

import argparse
import contextlib
import hashlib
import http.client
import json
import multiprocessing
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "a-long-password"
PORT = 8399
BLOCK = 1 << 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("site", type=Path)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        prove(options.site, Path(folder))


def prove(site: Path, data: Path) -> None:
    shutil.copytree(site / "media", data / "media")
    shutil.copy(site / "db.sqlite3", data / "content.sqlite3")
    os.sync()  # The copy is not part of what is measured.
    with running_site(data) as memory:
        client = Client()
        with steady_writer(data / "content.sqlite3") as waits:
            figure("create", timed(lambda: client.post("/api/backups", name="one.zip")))
        figure("writer: inserts", len(waits))
        figure("writer: longest wait, ms", max(waits) * 1000)
        archive = data / "downloaded.zip"
        figure("archive, MB", (data / "backups/one.zip").stat().st_size / 1e6)
        figure("download", timed(lambda: client.download("one.zip", archive)))
        figure("upload", timed(lambda: client.upload(archive, "two.zip")))
        same = digest(archive) == digest(data / "backups/two.zip")
        figure("upload equals download", same)
        # What the archive has to bring back: the state at the create's instant.
        wanted_rows = rows_of_snapshot(archive, data)
        wanted_files = files(site / "media")
        change(data)
        figure("restore", timed(lambda: client.post("/api/backups/two.zip/restore")))
        client.wait_until_open()
        figure("rows equal", rows(data / "content.sqlite3") == wanted_rows)
        figure("files equal", files(data / "media") == wanted_files)
        figure("rows", sum(count for _, count, _ in wanted_rows))
        figure("files", len(wanted_files))
        for process, peak in sorted(memory.items(), key=lambda item: -item[1])[:6]:
            figure(f"peak memory of {process}, MB", peak / 1e6)


def figure(name: str, value: object) -> None:
    shown = f"{value:.2f}" if isinstance(value, float) else value
    print(f"{name:44} {shown}", flush=True)


def timed(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@contextlib.contextmanager
def running_site(data: Path) -> Iterator[dict[str, int]]:
    """Serve *data*; yield process → peak resident bytes, filled while it runs."""
    environment = {
        **os.environ,
        "DATA_DIR": str(data),
        "PORT": str(PORT),
        "EXTRA_DATABASES": f"content=sqlite:///{data / 'content.sqlite3'}",
        "DJANGO_SUPERUSER_EMAIL": "admin@example.com",
        "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
    }
    manage = [sys.executable, "manage.py"]
    for command in (["migrate", "--verbosity", "0"], ["first_superuser"]):
        subprocess.run(
            manage + command, cwd=ROOT, env=environment, check=True, stdout=2
        )
    gunicorn = [sys.executable, "-m", "gunicorn", "-c", "backups_project/gunicorn.py"]
    server = subprocess.Popen(gunicorn, cwd=ROOT, env=environment)
    memory: dict[str, int] = {}
    stop = threading.Event()
    watch = threading.Thread(target=sample_memory, args=(str(data), memory, stop))
    watch.start()
    try:
        yield memory
    finally:
        stop.set()
        watch.join()
        server.terminate()
        server.wait()


def sample_memory(marker: str, memory: dict[str, int], stop: threading.Event) -> None:
    """Note the peak of every process whose environment names *marker*."""
    needle = f"DATA_DIR={marker}".encode()
    while not stop.wait(0.05):
        for process in Path("/proc").iterdir():
            if not process.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                if needle in (process / "environ").read_bytes():
                    note_peak(process, memory)


def note_peak(process: Path, memory: dict[str, int]) -> None:
    status = (process / "status").read_text()
    peak = int(status.split("VmHWM:")[1].split()[0]) * 1024
    words = (process / "cmdline").read_bytes().split(b"\0")
    command = next((w for w in words if b"gunicorn" in w or b"backup" in w), words[0])
    memory[f"{command.decode().rpartition('/')[2]} {process.name}"] = peak


@contextlib.contextmanager
def steady_writer(path: Path) -> Iterator[list[float]]:
    """Insert 50 rows a second; yield a list that then holds each wait, in seconds.

    In a process of its own, or it would wait for this one's threads as well.
    """
    context = multiprocessing.get_context("spawn")
    stop, results = context.Event(), context.Queue()
    writer = context.Process(target=insert_steadily, args=(path, stop, results))
    writer.start()
    time.sleep(2)
    waits: list[float] = []
    try:
        yield waits
    finally:
        time.sleep(1)
        stop.set()
        waits += results.get()
        writer.join()


def insert_steadily(path: Path, stop, results) -> None:
    waits = []
    with contextlib.closing(
        sqlite3.connect(path, timeout=30, isolation_level=None)
    ) as database:
        database.execute("PRAGMA synchronous=NORMAL")
        while not stop.wait(0.02):
            start = time.perf_counter()
            database.execute(
                "INSERT INTO comment (article_id, author_id, body, created, flags)"
                " VALUES (1, 1, ?, datetime(), 0)",
                [f"written while the backup ran {len(waits)}" * 10],
            )
            waits.append(time.perf_counter() - start)
    results.put(waits)


def change(data: Path) -> None:
    """Change the site so that a restore has something to undo."""
    with contextlib.closing(sqlite3.connect(data / "content.sqlite3")) as database:
        database.execute("DELETE FROM article WHERE id % 3 = 0")
        database.execute("CREATE TABLE stray (id)")
        database.commit()
    for number, path in enumerate(sorted((data / "media").rglob("*.jpg"))):
        if number % 5 == 0:
            path.unlink()
        elif number % 7 == 0:
            path.write_bytes(b"changed")
    (data / "media" / "stray.txt").write_text("stray")


Rows = list[tuple[str, int, str]]


def rows(path: Path) -> Rows:
    """Return name, number of rows and a digest of all rows of every table."""
    found = []
    with contextlib.closing(sqlite3.connect(path)) as database:
        names = database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
        ).fetchall()
        for (name,) in names:
            total = hashlib.sha256()
            count = 0
            for row in database.execute(f'SELECT * FROM "{name}" ORDER BY rowid'):
                total.update(repr(row).encode())
                count += 1
            found.append((name, count, total.hexdigest()))
    return found


def rows_of_snapshot(archive: Path, data: Path) -> Rows:
    """Return the rows that the archive holds, by tools that are not ours."""
    folder = data / "unzipped"
    subprocess.run(
        ["unzip", "-q", archive, "databases/content.sqlite3", "-d", folder], check=True
    )
    found = rows(folder / "databases" / "content.sqlite3")
    shutil.rmtree(folder)
    return found


def files(root: Path) -> dict[str, tuple[str, int, int]]:
    """Return name → digest, time of change and mode of every file."""
    return {
        str(path.relative_to(root)): (
            digest(path),
            path.stat().st_mtime_ns,
            path.stat().st_mode,
        )
        for path in root.rglob("*")
        if path.is_file()
    }


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Client:
    """A superuser with an HTTP connection for each call."""

    def __init__(self) -> None:
        self.token = ""
        self.wait_until_open()
        answer = self.call(
            "POST",
            "/api/collections/_superusers/auth-with-password",
            {"identity": "admin@example.com", "password": PASSWORD},
        )
        self.token = json.loads(answer)["token"]

    def post(self, path: str, **fields: str) -> bytes:
        return self.call("POST", path, fields)

    def call(self, method: str, path: str, fields: dict[str, str]) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=600)
        headers = {"Content-Type": "application/json", "Authorization": self.token}
        connection.request(method, path, json.dumps(fields), headers)
        response = connection.getresponse()
        body = response.read()
        if response.status >= 300:
            raise SystemExit(f"{method} {path}: {response.status} {body!r}")
        return body

    def wait_until_open(self) -> None:
        for _ in range(600):
            with contextlib.suppress(OSError):
                connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=5)
                connection.request("GET", "/api/health")
                if connection.getresponse().status == 200:
                    return
            time.sleep(0.1)
        raise SystemExit("The site does not answer.")

    def download(self, key: str, target: Path) -> None:
        token = json.loads(self.call("POST", "/api/files/token", {}))["token"]
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=600)
        connection.request("GET", f"/api/backups/{key}?token={token}")
        with target.open("wb") as file:
            shutil.copyfileobj(connection.getresponse(), file, BLOCK)

    def upload(self, source: Path, key: str) -> None:
        boundary = "----a-boundary"
        head = (
            f"--{boundary}\r\nContent-Disposition: form-data; name=file;"
            f' filename="{key}"\r\nContent-Type: application/zip\r\n\r\n'
        ).encode()
        tail = f"\r\n--{boundary}--\r\n".encode()
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=600)
        connection.putrequest("POST", "/api/backups/upload")
        connection.putheader("Authorization", self.token)
        connection.putheader(
            "Content-Type", f"multipart/form-data; boundary={boundary}"
        )
        length = len(head) + source.stat().st_size + len(tail)
        connection.putheader("Content-Length", str(length))
        connection.endheaders(head)
        with source.open("rb") as file:
            while block := file.read(BLOCK):
                connection.send(block)
        connection.send(tail)
        response = connection.getresponse()
        if response.status != 204:
            raise SystemExit(f"upload: {response.status} {response.read()!r}")


if __name__ == "__main__":
    main()
