"""Lists the backups of a site again and again, and prints what that cost.

A program; the site is that of the DATA_DIR in its environment. It prints JSON.
"""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

REPEATS = 7
LIMIT = "scandir and stat (the limit)"


class Counter:
    """Counts what the storage and the database are asked."""

    def __init__(self) -> None:
        self.scans = self.pages = self.requests = self.queries = 0
        self._scandir = os.scandir

    def install(self) -> None:
        import boto3.session  # type: ignore[import-untyped]
        from django.db import connection

        os.scandir = self.scandir  # type: ignore[assignment]
        connection.execute_wrappers.append(self.query)
        make = boto3.session.Session.resource

        def resource(*arguments: Any, **options: Any) -> Any:
            made = make(*arguments, **options)
            made.meta.client.meta.events.register("before-send.s3", self.request)
            return made

        boto3.session.Session.resource = resource

    def scandir(self, *arguments: Any) -> Any:
        self.scans += 1
        return self._scandir(*arguments)

    def request(self, request: Any, **_: Any) -> None:
        self.requests += 1
        self.pages += "list-type=2" in request.url

    def query(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        self.queries += 1
        return execute(*arguments)

    def reset(self) -> None:
        self.scans = self.pages = self.requests = self.queries = 0


def main() -> None:
    import django

    django.setup()
    from backups import operations

    counter = Counter()
    counter.install()
    record_history([item.key for item in operations.list_backups()])
    names: dict[str, Callable[[], list[Any]]] = {
        "list_backups": operations.list_backups,
        "describe_backups": operations.describe_backups,
    }
    if list_folder():
        names[LIMIT] = list_folder
    print(json.dumps([repeat(name, names[name], counter) for name in names]))


def list_folder() -> list[Any]:
    """Ask the system for the same, and do nothing with it."""
    from django.conf import settings

    folder: Path = settings.DATA_DIR / "backups"
    if not folder.exists():
        return []
    with os.scandir(folder) as entries:
        found = ((entry.name, entry.stat()) for entry in entries)
        return [(name, status.st_size, status.st_mtime_ns) for name, status in found]


def record_history(keys: list[str]) -> None:
    """Let the history know every archive, as it does in a site."""
    from django.utils import timezone

    from backups.models import Operation

    now = timezone.now()
    Operation.objects.bulk_create(
        Operation(
            kind=Operation.Kind.CREATE,
            state=Operation.State.SUCCEEDED,
            key=key,
            started=now,
            finished=now,
            contents={"databases": 1, "files": 1277},
            phases=[["databases", now.isoformat()], ["media", now.isoformat()]],
        )
        for key in keys
    )


def repeat(name: str, work: Callable[[], list[Any]], counter: Counter) -> Any:
    work()
    wall, cpu = [], []
    for _ in range(REPEATS):
        counter.reset()
        start, used = time.perf_counter(), time.process_time()
        found = work()
        wall.append(time.perf_counter() - start)
        cpu.append(time.process_time() - used)
    return {
        "operation": name,
        "count": len(found),
        "wall": wall,
        "cpu": cpu,
        "listings": counter.scans + counter.pages,
        "requests": counter.requests,
        "queries": counter.queries,
    }


if __name__ == "__main__":
    main()
