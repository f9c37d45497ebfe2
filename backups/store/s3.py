"""Archives in S3, or in anything that speaks like it."""

import datetime
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

from botocore.exceptions import ClientError  # type: ignore[import-untyped]
from storages.backends.s3 import S3Storage

from backups.exceptions import StoreFailed
from backups.texts import gettext_noop as _

from .base import Store, Stored
from .s3_bucket import NOT_THERE, Bucket, code_of, connect, made_careful, s3_errors
from .s3_incoming import S3Incoming
from .s3_notes import sweep_uploads
from .s3_reader import S3Reader, open_object

__all__ = ["S3Store", "connect", "made_careful"]

PARALLEL = 4
PART = 16 << 20
BLOCK = 1 << 20


class S3Store(Store):
    """Not by the storage's own ``open`` and ``save``.

    Those ask once for each listed object, download all of what is opened, and
    publish the first half of what fails.
    """

    def __init__(self, storage: S3Storage) -> None:
        self.bucket = Bucket(storage)

    def list(self) -> list[Stored]:
        prefix = self.bucket.prefix
        with s3_errors(_("The backups can't be listed")):
            pages = self.bucket.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket.name, Prefix=prefix
            )
            items = [item for page in pages for item in page.get("Contents", ())]
        found = [
            describe(item["Key"].removeprefix(prefix), item["Size"], item)
            for item in items
            if not item["Key"].endswith("/")  # How consoles spell an empty folder.
        ]
        return sorted(found, key=lambda item: item.key.encode())

    def stat(self, key: str) -> Stored | None:
        with s3_errors(_("The storage can't be read")):
            try:
                head = self.bucket.client.head_object(**self.bucket.object(key))
            except ClientError as error:
                if code_of(error) in NOT_THERE:
                    return None
                raise
        return describe(key, head["ContentLength"], head)

    def open(self, found: Stored) -> IO[bytes]:
        return open_object(self.bucket, found)

    def delete(self, key: str) -> None:
        self.require(key)
        with s3_errors(_("The backup can't be deleted"), key):
            self.bucket.client.delete_object(**self.bucket.object(key))

    def receive(self, key: str) -> S3Incoming:
        return S3Incoming(key, self.bucket, self)

    def local_path(self, key: str, folder: Path) -> Path:
        found = self.require(key)
        target = folder / "archive.zip"
        fetch(self.bucket, found, target)
        if target.stat().st_size != found.size:
            raise StoreFailed(_("The backup can't be fetched (its size is wrong)."))
        return target

    def describe(self) -> str:
        return f"S3, {self.bucket.name}/{self.bucket.prefix}"

    def sweep(self) -> None:
        sweep_uploads(self.bucket)


def describe(key: str, size: int, answer: dict[str, Any]) -> Stored:
    modified = answer["LastModified"].astimezone(datetime.UTC)
    return Stored(key, size, modified, answer.get("ETag", ""))


def fetch(bucket: Bucket, found: Stored, target: Path) -> None:
    """Write the object to *target*, several parts at a time."""
    with target.open("wb") as copy, ThreadPoolExecutor(PARALLEL) as pool:
        parts = [
            pool.submit(fetch_part, bucket, found, start, copy.fileno())
            for start in range(0, found.size, PART)
        ]
        try:
            for part in parts:
                part.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def fetch_part(bucket: Bucket, found: Stored, start: int, target: int) -> None:
    """Write one part to its place in the file of descriptor *target*."""
    end = min(start + PART, found.size)
    with S3Reader(bucket, found, window=PART) as reader:
        reader.seek(start)
        while (position := reader.tell()) < end:
            data = reader.read(min(BLOCK, end - position))
            write_at(target, data, position)


def write_at(descriptor: int, data: bytes, position: int) -> None:
    view = memoryview(data)
    while view:
        done = os.pwrite(descriptor, view, position)
        view, position = view[done:], position + done
