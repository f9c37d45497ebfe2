"""Notes of the multipart uploads under way, so that none outlives its writer.

Nobody sees an upload that was never completed, but it is paid for. Each has a
small file in the workspace, locked as long as its writer lives; one that can be
locked is a dead writer's, and its upload is aborted.
"""

import fcntl
import json
import logging
import os
from pathlib import Path
from typing import NamedTuple

from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from backups.conf import get_settings
from backups.durability import sync_path
from backups.exceptions import StoreFailed
from backups.texts import gettext_noop as _

from .base import open_locked
from .s3_bucket import Bucket, code_of, s3_errors

logger = logging.getLogger(__name__)


def notes_folder() -> Path:
    return get_settings().workspace / "incoming-s3"


class Upload(NamedTuple):
    """What a note tells of an upload."""

    endpoint: str
    target: dict[str, str]
    """The ``Bucket`` and the ``Key`` of the object."""

    upload_id: str
    """Empty if its writer died while it asked for one."""


class Note:
    """The note of one upload, for its writer."""

    def __init__(self, bucket: Bucket, key: str) -> None:
        """Take down, before it is asked for, that there may be an upload."""
        self.path, self._descriptor = open_locked(notes_folder())
        self._add(json.dumps([bucket.endpoint, bucket.object(key)]))
        sync_path(self.path.parent)

    def name(self, upload_id: str) -> None:
        self._add(upload_id)

    def _add(self, line: str) -> None:
        os.write(self._descriptor, f"{line}\n".encode())
        os.fsync(self._descriptor)

    def remove(self) -> None:
        """Forget an upload that is completed or aborted."""
        self.path.unlink(missing_ok=True)
        self.leave()

    def leave(self) -> None:
        """Leave the upload to the next sweep."""
        os.close(self._descriptor)


def read_note(path: Path) -> Upload | None:
    """Return what a note tells; None for one that was not written to its end."""
    try:
        first, *more = path.read_text().split("\n")
        endpoint, target = json.loads(first)
    except (OSError, ValueError):
        return None
    # A line counts once its end is there.
    return Upload(endpoint, target, more[0] if len(more) > 1 else "")


def abort(bucket: Bucket, target: dict[str, str], upload_id: str) -> None:
    """Abort an upload, or find that it is gone. Raises StoreFailed."""
    with s3_errors(_("An upload that was given up can't be aborted")):
        try:
            bucket.client.abort_multipart_upload(**target, UploadId=upload_id)
        except ClientError as error:
            if code_of(error) != "NoSuchUpload":
                raise


def sweep_uploads(bucket: Bucket) -> None:
    """Abort the uploads of dead writers; what can't be aborted is kept noted."""
    folder = notes_folder()
    for path in folder.iterdir() if folder.is_dir() else ():
        try:
            sweep_note(bucket, path)
        except StoreFailed as error:
            logger.warning("%s", error)
            if not isinstance(error.__cause__, ClientError):
                return  # The server does not answer; nor will it the next time.
        except OSError:
            continue  # Its writer is alive, or it was removed this instant.


def sweep_note(bucket: Bucket, path: Path) -> None:
    """Settle one note. Raises OSError while its writer lives, or StoreFailed.

    A note of another bucket waits until that one is in use again.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if upload := read_note(path):
            if (upload.endpoint, upload.target["Bucket"]) != (
                bucket.endpoint,
                bucket.name,
            ):
                return
            for upload_id in find_ids(bucket, path, upload):
                abort(bucket, upload.target, upload_id)
        path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def find_ids(bucket: Bucket, path: Path, upload: Upload) -> list[str]:
    """Return the upload of a note, or those of its key that nobody has noted."""
    if upload.upload_id:
        return [upload.upload_id]
    others = [read_note(other) for other in path.parent.iterdir() if other != path]
    noted = {other.upload_id for other in others if other}
    with s3_errors(_("The open uploads can't be listed")):
        found = bucket.client.list_multipart_uploads(
            Bucket=bucket.name, Prefix=upload.target["Key"]
        )
    return [
        item["UploadId"]
        for item in found.get("Uploads", ())
        if item["Key"] == upload.target["Key"] and item["UploadId"] not in noted
    ]
