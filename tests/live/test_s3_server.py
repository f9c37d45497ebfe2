"""Whole sites with their archives in a real S3 server: Ceph's RADOS gateway."""

import os
import signal
import subprocess
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest

from .conftest import MakeSite, require_program
from .server import ROOT, Site, free_port, kill, wait_until

pytestmark = pytest.mark.live

SCRIPT = ROOT / "tests" / "servers" / "rgw.sh"
ACCESS_KEY, SECRET = "testkey", "testsecret"
BULK = 60 << 20


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the gateway, which runs as long as the tests."""
    for program in ("radosgw", "radosgw-admin", "ceph-mon", "ceph-osd", "ceph"):
        require_program(program)
    folder: Path = tmp_path_factory.mktemp("rgw")
    port = free_port()
    start = ["sh", str(SCRIPT), "start", str(folder), str(port), str(free_port())]
    log = folder / "start.log"
    try:
        with log.open("wb") as output:
            # Its daemons keep what it has open: a pipe would never end.
            done = subprocess.run(
                start, stdout=output, stderr=output, timeout=180, check=False
            )
        assert done.returncode == 0, log.read_text()
        yield f"http://127.0.0.1:{port}"
    finally:
        subprocess.run(["sh", str(SCRIPT), "stop", str(folder)], check=True)


class Bucket:
    """A bucket of the gateway, seen from outside of the site."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.name = f"test-{uuid.uuid4().hex[:12]}"
        self.client: Any = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name="default",
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET,
        )
        self.client.create_bucket(Bucket=self.name)

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "enabled": True,
            "bucket": self.name,
            "region": "default",
            "endpoint": self.endpoint,
            "accessKey": ACCESS_KEY,
            "secret": SECRET,
            "forcePathStyle": True,
        }

    def keys(self) -> list[str]:
        found = self.client.list_objects_v2(Bucket=self.name)
        return [item["Key"] for item in found.get("Contents", ())]

    def uploads(self) -> list[str]:
        found = self.client.list_multipart_uploads(Bucket=self.name)
        return [item["Key"] for item in found.get("Uploads", ())]

    def read(self, key: str) -> bytes:
        with self.client.get_object(Bucket=self.name, Key=key)["Body"] as body:
            return body.read()


@pytest.fixture(scope="module")
def bucket(gateway: str) -> Iterator[Bucket]:
    bucket = Bucket(gateway)
    yield bucket
    bucket.client.close()


@pytest.fixture(scope="module")
def site(make_site: MakeSite, bucket: Bucket) -> Site:
    """A site with 60 MB of media that nothing makes smaller."""
    site = make_site().start()
    site.add_article("first")
    site.media.mkdir(exist_ok=True)
    (site.media / "bulk.bin").write_bytes(os.urandom(BULK))
    site.script(
        "from backups import site_settings\n"
        f"site_settings.change({{'backups': {{'s3': {bucket.settings!r}}}}})"
    )
    return site


def notes(site: Site) -> list[Path]:
    return list((site.workspace / "incoming-s3").glob("*"))


def test_a_whole_round_through_the_server(site, bucket):
    before = site.content()

    assert site.create("one.zip").status == 204
    listed = site.api("GET", "backups").json
    content = bucket.read("one.zip")
    assert [(item["key"], item["size"]) for item in listed] == [
        ("one.zip", len(content))
    ]
    assert len(content) > BULK
    etag = bucket.client.head_object(Bucket=bucket.name, Key="one.zip")["ETag"]
    assert int(etag.strip('"').rpartition("-")[2]) >= 8
    assert not list(site.backups.glob("*.zip"))

    token = site.api("POST", "files/token").json["token"]
    address = f"/api/backups/one.zip?token={token}"
    part = site.request("GET", address, headers={"Range": "bytes=40000000-40000099"})
    assert (part.status, part.body) == (206, content[40_000_000:40_000_100])
    whole = site.request("GET", address)
    assert (whole.status, whole.body == content) == (200, True)

    assert site.api("DELETE", "backups/one.zip").status == 204
    assert (site.keys(), bucket.keys()) == ([], [])

    assert upload(site, "back.zip", content).status == 204
    assert site.keys() == ["back.zip"]
    assert bucket.read("back.zip") == content

    site.add_article("stray")
    (site.media / "bulk.bin").write_bytes(b"changed")
    (site.media / "stray.txt").write_bytes(b"stray")
    assert site.restore("back.zip").status == 204
    site.wait_for_end("back.zip", "restore")
    assert site.content() == before
    assert "back.zip" in site.keys()
    assert (bucket.uploads(), notes(site)) == ([], [])


def upload(site: Site, name: str, content: bytes) -> Any:
    boundary = "a-line-that-no-archive-holds"
    head = (
        f"--{boundary}\r\nContent-Disposition: form-data; name=file;"
        f' filename="{name}"\r\nContent-Type: application/zip\r\n\r\n'
    )
    return site.request(
        "POST",
        "/api/backups/upload",
        head.encode() + content + f"\r\n--{boundary}--\r\n".encode(),
        {
            "Authorization": site.token,
            "Content-Type": f"multipart/form-data; boundary={boundary}",
        },
    )


def test_a_backup_killed_on_its_way_is_never_seen_and_is_swept(site, bucket):
    before = site.keys()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(site.create, "killed.zip")
        wait_until(bucket.uploads, "the upload begins")
        (child,) = site.processes("backup_run")
        kill(child, signal.SIGKILL)
        assert waiting.result().status == 400

    assert site.keys() == before
    assert bucket.uploads() == ["killed.zip"]
    assert len(notes(site)) == 1

    assert site.create("next.zip").status == 204
    assert site.keys() == sorted([*before, "next.zip"])
    assert (bucket.uploads(), notes(site)) == ([], [])
    assert site.leftovers() in ([], ["workspace/incoming-s3"])


def test_the_same_name_twice_is_refused_by_the_server_too(site, bucket):
    assert site.create("twice.zip").status == 204
    first = bucket.read("twice.zip")
    assert site.create("twice.zip").status == 400
    assert upload(site, "twice.zip", first[:1000]).status == 400
    assert bucket.read("twice.zip") == first


def test_the_test_of_the_settings_passes(site, bucket):
    before = bucket.keys()
    tested = site.api("POST", "settings/test/s3", {"filesystem": "backups"})
    assert tested.status == 204, tested
    assert bucket.keys() == before


def test_a_bucket_that_is_not_there_is_told(site, bucket):
    choose = (
        "from backups import site_settings as s\ns.change({{'backups': {{'s3': {}}}}})"
    )
    site.script(choose.format({"bucket": "no-such-bucket"}))
    try:
        tested = site.api("POST", "settings/test/s3", {"filesystem": "backups"})
        assert (tested.status, "NoSuchBucket" in tested.message) == (400, True)
        assert site.create("nowhere.zip").status == 400
        assert "(NoSuchBucket)" in site.operation("nowhere.zip")["error"]
    finally:
        site.script(choose.format({"bucket": bucket.name}))
