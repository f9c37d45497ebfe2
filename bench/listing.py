"""What it costs to list 10, 1,000 or 10,000 archives, in a folder and in S3.

As a program, it measures in a site whose DATA_DIR is in the environment, and
prints JSON; the lists are asked for by the functions that all doors call.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.report import Table, spread
from bench.servers import s3_server
from bench.site import ROOT, Site

COUNTS = (10, 1000, 10_000)
COUNTS_S3 = (10, 1000)
REPEATS = 7
LIMIT = "scandir and stat (the limit)"
BUCKET = "bench"
TINY_ZIP = b"PK\x05\x06" + bytes(18)
KEY = "pb_backup_acme_{:014}.zip"


def measure_listings(folder: Path) -> list[dict[str, Any]]:
    """Return what each of the lists costs; what can't be measured says why."""
    found = []
    for count in COUNTS:
        site = new_site(folder / f"list-{count}")
        site.backups.mkdir()
        for number in range(count):
            (site.backups / KEY.format(number)).write_bytes(TINY_ZIP)
        found += ask(site, "folder")
    with s3_server() as address:
        if not address:
            return [*found, {"place": "S3", "missing": "moto is not installed"}]
        for count in COUNTS_S3:
            site = new_site(folder / f"list-s3-{count}")
            choose_bucket(site, address, f"{BUCKET}-{count}", count)
            found += ask(site, "S3")
    return found


def new_site(folder: Path) -> Site:
    subprocess.run(["rm", "-rf", str(folder)], check=True)
    site = Site(folder)
    site.install()
    return site


def choose_bucket(site: Site, address: str, bucket: str, count: int) -> None:
    """Fill a bucket and let the site keep its archives there."""
    import boto3  # type: ignore[import-untyped]

    client = boto3.client(
        "s3",
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    )
    client.create_bucket(Bucket=bucket)
    for number in range(count):
        client.put_object(Bucket=bucket, Key=KEY.format(number), Body=TINY_ZIP)
    client.close()
    values = {
        "bucket": bucket,
        "region": "us-east-1",
        "endpoint": address,
        "accessKey": "key",
        "secret": "secret",
        "forcePathStyle": True,
        "enabled": True,
    }
    script = (
        "import django, json, sys; django.setup();"
        "from backups import site_settings;"
        "site_settings.change({'backups': {'s3': json.loads(sys.argv[1])}})"
    )
    subprocess.run(
        [sys.executable, "-c", script, json.dumps(values)],
        cwd=ROOT,
        env=site.environment,
        check=True,
    )


def ask(site: Site, place: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.listing"],
        cwd=ROOT,
        env=site.environment,
        stdout=subprocess.PIPE,
        check=True,
    )
    return [{"place": place, **found} for found in json.loads(done.stdout)]


def listing_table(found: list[dict[str, Any]]) -> Table:
    lines = [line(item) for item in found if "missing" not in item]
    remarks = [
        f"Missing: {item['place']} ({item['missing']}).\n"
        for item in found
        if "missing" in item
    ]
    names = (
        "archives",
        "in",
        "operation",
        "wall ms (min–max)",
        "CPU ms (min–max)",
        "CPU ms per 100",
        "storage listings",
        "S3 requests",
        "queries",
    )
    title = f"list, {REPEATS} times in a process that has done it once"
    return Table(title, names, lines, remarks)


def line(item: dict[str, Any]) -> list[str]:
    cpu = [value * 1000 for value in item["cpu"]]
    return [
        f"{item['count']:,}",
        item["place"],
        item["operation"],
        spread((value * 1000 for value in item["wall"]), ".2f"),
        spread(cpu, ".2f"),
        f"{statistics.median(cpu) / item['count'] * 100:.2f}",
        f"{item['listings']}",
        f"{item['requests']}",
        f"{item['queries']}",
    ]


# In the process of the site ---------------------------------------------------


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

    folder = settings.STORAGES["backups"]["OPTIONS"]["location"]
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
