"""What it costs to list 10, 1,000 or 10,000 archives, in a folder and in S3.

The lists are asked for by the functions that all doors call.
"""

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.list_task import REPEATS
from bench.report import Table, spread
from bench.servers import s3_server
from bench.site import ROOT, Site

COUNTS = (10, 1000, 10_000)
COUNTS_S3 = (10, 1000)
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
        [sys.executable, "-m", "bench.list_task"],
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
