"""Fixtures: a server of S3 that all tests share, and an empty bucket on it."""

import uuid
from collections.abc import Iterator
from typing import Any, NamedTuple

import boto3
import pytest

from backups import site_settings
from backups.store import Store, get_store
from tests.s3_server import S3Server

ACCESS_KEY = "an-access-key"
SECRET = "a-secret-that-nobody-may-see"


class Bucket(NamedTuple):
    """A bucket, and a client of its own to look at it from outside."""

    name: str
    server: S3Server
    client: Any

    @property
    def settings(self) -> dict[str, Any]:
        """What a superuser saves to keep the backups here."""
        return {
            "enabled": True,
            "bucket": self.name,
            "region": "us-east-1",
            "endpoint": self.server.endpoint,
            "accessKey": ACCESS_KEY,
            "secret": SECRET,
            "forcePathStyle": True,
        }

    def choose(self, **changes: Any) -> Store:
        """Keep the backups of the site here from now on."""
        site_settings.change({"backups": {"s3": {**self.settings, **changes}}})
        return get_store()

    def keys(self) -> list[str]:
        found = self.client.list_objects_v2(Bucket=self.name)
        return [item["Key"] for item in found.get("Contents", ())]

    def uploads(self) -> list[str]:
        """Return the keys of the multipart uploads that are open."""
        found = self.client.list_multipart_uploads(Bucket=self.name)
        return [item["Key"] for item in found.get("Uploads", ())]


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    with S3Server() as server:
        yield server


@pytest.fixture
def bucket(s3_server: S3Server) -> Iterator[Bucket]:
    """An empty bucket."""
    client = boto3.client(
        "s3",
        endpoint_url=s3_server.endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    name = f"test-{uuid.uuid4().hex[:12]}"
    s3_server.reset()
    client.create_bucket(Bucket=name)
    yield Bucket(name, s3_server, client)
    s3_server.reset()
    client.close()
