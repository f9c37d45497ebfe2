"""What a large member's content is recognised by, worked out in another thread."""

import hashlib

from .conveyor import Aside, Job
from .deflate import BEST


class Digest:
    """SHA-256 and CRC-32 of content that comes block by block.

    Hashing takes as long as reading and writing do, so it goes on meanwhile. At
    most one block waits for it.
    """

    def __init__(self, aside: Aside) -> None:
        self._aside = aside
        self._job: Job | None = None
        self._sha256 = hashlib.sha256()
        self._crc = 0

    def take(self, block: bytes) -> None:
        """Go on with the next block, once the one before is done."""
        self._wait()
        self._job = self._aside(self._update, block)

    @property
    def sha256(self) -> str:
        """The hex digest of all blocks so far."""
        self._wait()
        return self._sha256.hexdigest()

    @property
    def crc(self) -> int:
        self._wait()
        return self._crc

    def _update(self, block: bytes) -> None:
        self._crc = BEST.crc32(block, self._crc)
        self._sha256.update(block)

    def _wait(self) -> None:
        if self._job:
            self._job.result()
