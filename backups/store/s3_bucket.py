"""One S3 bucket: who speaks to it, what its objects are called, what goes wrong."""

import contextlib
import copy
import functools
import re
from collections.abc import Iterator
from typing import Any

from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import ClientError  # type: ignore[import-untyped]
from storages.backends.s3 import S3Storage

from backups.exceptions import BackupError, BackupNotFound, StoreFailed
from backups.site_settings import S3
from backups.texts import Text
from backups.texts import gettext_noop as _

from . import s3_listing

CAREFUL = Config(
    connect_timeout=10,
    read_timeout=60,
    retries={"mode": "standard", "max_attempts": 5},
    signature_version="s3v4",
    # Threads of a server share one client, and each upload has some of its own.
    max_pool_connections=32,
    # Servers other than Amazon's may not know the newer checksums.
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)
"""Nothing waits forever, and nothing is asked that only Amazon can answer."""

NOT_THERE = {"404", "NoSuchKey"}
CODE = re.compile(r"[A-Za-z0-9.]{1,60}")


class Bucket:
    """The part of a bucket that lies below the storage's ``location``."""

    def __init__(self, storage: S3Storage) -> None:
        location = storage.location.strip("/")
        self.storage = storage
        self.name = storage.bucket_name
        self.prefix = f"{location}/" if location else ""

    @property
    def client(self) -> Any:
        return client_of(self.storage)

    @property
    def endpoint(self) -> str:
        return self.storage.endpoint_url or ""

    def object(self, key: str) -> dict[str, str]:
        """Return the arguments of a request that name the object of *key*."""
        return {"Bucket": self.name, "Key": self.prefix + key}

    def parameters(self, key: str, metadata: dict[str, str]) -> dict[str, Any]:
        """Return the properties of a new object, as the storage wants them."""
        wanted = dict(self.storage.get_object_parameters(self.prefix + key))
        if self.storage.default_acl:
            wanted.setdefault("ACL", self.storage.default_acl)
        wanted.setdefault("ContentType", "application/zip")
        return wanted | {"Metadata": {**wanted.get("Metadata", {}), **metadata}}


@functools.lru_cache(maxsize=8)
def client_of(storage: S3Storage) -> Any:
    """Return the client of *storage*, the same to all threads, which may share it.

    To make one takes longer than most requests, and it keeps connections.
    """
    client = storage.connection.meta.client
    client.meta.events.register(
        s3_listing.EVENT, s3_listing.take_contents, unique_id="backups"
    )
    return client


@functools.lru_cache(maxsize=4)
def connect(chosen: S3) -> S3Storage:
    """Return a storage for what the superuser has chosen, and nothing else.

    What the project says of other buckets (``AWS_…``) must not mix with it.
    """
    endpoint = chosen.endpoint.rstrip("/")
    style = "path" if chosen.force_path_style else "virtual"
    return S3Storage(
        endpoint_url=endpoint if "://" in endpoint else f"https://{endpoint}",
        bucket_name=chosen.bucket,
        region_name=chosen.region,
        access_key=chosen.access_key,
        secret_key=chosen.secret,
        security_token=None,
        session_profile=None,
        location="",
        file_overwrite=False,
        object_parameters={},
        default_acl=None,
        verify=None,
        client_config=CAREFUL.merge(Config(s3={"addressing_style": style})),
    )


@functools.lru_cache(maxsize=4)
def made_careful(storage: S3Storage) -> S3Storage:
    """Return a copy of *storage* that is as careful, where it does not say how."""
    careful = copy.copy(storage)
    careful.client_config = CAREFUL.merge(storage.client_config)
    return careful


@contextlib.contextmanager
def s3_errors(what: str, key: str = "") -> Iterator[None]:
    """Turn what the vendor raises into StoreFailed, or BackupNotFound of *key*.

    A code or the name of a type is all that is shown: the texts hold addresses.
    """
    try:
        yield
    except BackupError:
        raise
    except Exception as error:
        if key and code_of(error) in NOT_THERE:
            raise BackupNotFound(key) from error
        raise StoreFailed(
            _("%(what)s (%(code)s)."), what=Text(what), code=code_of(error)
        ) from error


def code_of(error: Exception) -> str:
    """Return the server's word for what went wrong, or the type of *error*."""
    if isinstance(error, ClientError):
        code = error.response.get("Error", {}).get("Code")
        # What else a server may send there is not to be shown.
        if isinstance(code, str) and CODE.fullmatch(code):
            return code
    return type(error).__name__
