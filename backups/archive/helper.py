"""A second process that packs tiny files while the first reads and writes.

For files of a few kilobytes most of the time goes to Python itself, and threads
only take turns at that. Everything works without the helper, only slower.
"""

import os
import pickle
import selectors
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Self, cast

from .deflate import BEST, Codec
from .member import Member
from .packing import Batch, Loaded, pack_files

_START = (
    "import sys; sys.path.insert(0, sys.argv[1]);"
    "from backups.archive.helper import serve; serve()"
)
_READY = b"+"
_PATIENCE = 10.0


class Helper:
    """The other process; ends with this one, even if this one is killed."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._requests = cast(IO[bytes], process.stdin)
        self._answers = cast(IO[bytes], process.stdout)
        self._lost = False
        self._sending = threading.Lock()
        self._receiving = threading.Lock()

    @classmethod
    def start(cls) -> Self | None:
        """Return a helper, or None where none can be had."""
        # Inside an application server the executable may be the server.
        if not Path(sys.executable or "").name.startswith("python"):
            return None
        root = str(Path(__file__).parents[2])
        try:
            process = subprocess.Popen(
                [sys.executable, "-I", "-c", _START, root],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError:
            return None
        helper = cls(process)
        if helper._is_ready():
            return helper
        helper.close()
        return None

    def pack(self, files: Sequence[Loaded], codec: Codec) -> Batch:
        """Do what `pack_files` does; may be called from several threads."""
        if not self._lost:
            try:
                data, members = self._ask([tuple(file) for file in files])
                return Batch([data], len(data), [Member(*m) for m in members])
            except (OSError, EOFError, pickle.UnpicklingError):
                # It was killed; whatever it did not answer is done here.
                self._lost = True
        return pack_files(files, codec)

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._requests, self._answers):
            try:
                pipe.close()
            except BrokenPipeError:
                # What was not sent is not wanted any more.
                pass

    def _is_ready(self) -> bool:
        with selectors.DefaultSelector() as selector:
            selector.register(self._answers, selectors.EVENT_READ)
            ready = selector.select(_PATIENCE)
        return bool(ready) and os.read(self._answers.fileno(), 1) == _READY

    def _ask(self, files: list[Any]) -> tuple[bytes, list[Any]]:
        # The next request goes out while the answer to this one is awaited, and
        # the second lock is taken inside the first to keep answers in order.
        with self._sending:
            pickle.dump(files, self._requests, protocol=5)
            self._requests.flush()
            self._receiving.acquire()
        try:
            data, members = pickle.load(self._answers)  # noqa: S301 (a private pipe)
            return data, members
        finally:
            self._receiving.release()


def serve() -> None:
    """Be the helper: answer requests on standard input until it ends."""
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    answers.write(_READY)
    answers.flush()
    while True:
        try:
            files = pickle.load(requests)  # noqa: S301 (a private pipe)
        except EOFError:
            return
        batch = pack_files([Loaded(*file) for file in files], BEST)
        members = [tuple(member) for member in batch.members]
        pickle.dump((b"".join(batch.parts), members), answers, protocol=5)
        answers.flush()
