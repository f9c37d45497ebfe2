"""A second process that packs tiny files while the first reads and writes.

For files of a few kilobytes most of the time goes to Python itself, and threads
only take turns at that. Everything works without the helper, only slower.
"""

import os
import pickle
import selectors
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Self, cast

from .deflate import BEST
from .member import Member
from .packing import Batch, Loaded, pack_files

_START = (
    "import sys; sys.path.insert(0, sys.argv[1]);"
    "from backups.archive.helper import serve; serve()"
)
_READY = b"+"
_PATIENCE = 10.0
# Room for every answer that can be outstanding, so that the helper never waits
# for one to be read, and therefore always goes on to read requests.
_PIPE = 1 << 20
_OUTSTANDING = 2
REQUEST_BYTES = 384 << 10
"""Most bytes of files to ask for at once."""


class Answer:
    """A batch that the helper is asked for."""

    def __init__(self, helper: "Helper", files: Sequence[Loaded]) -> None:
        self._helper = helper
        self._files = files
        self._batch: Batch | None = None

    def done(self) -> bool:
        """Tell whether `result` would return at once."""
        return self._batch is not None

    def result(self) -> Batch:
        """Return the batch, waiting for it."""
        while self._batch is None:
            self._helper.receive()
        return self._batch

    def settle(self, data: bytes, members: list[Any]) -> None:
        """Take what the helper answered."""
        self._batch = Batch([data], len(data), [Member(*m) for m in members])
        self._files = ()

    def settle_here(self) -> None:
        """Do without the helper."""
        self._batch = pack_files(self._files, BEST)
        self._files = ()


class Helper:
    """The other process; ends with this one, even if this one is killed.

    One thread uses it. No thread waits for it in the background: that thread
    and this one would keep taking the interpreter's lock from each other.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._requests = cast(IO[bytes], process.stdin)
        self._answers = cast(IO[bytes], process.stdout)
        self._waiting: deque[Answer] = deque()
        self._lost = False

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
                pipesize=_PIPE,
                start_new_session=True,
            )
        except OSError:
            return None
        helper = cls(process)
        if helper._is_ready():
            return helper
        helper.close()
        return None

    def ask(self, files: Sequence[Loaded]) -> Answer:
        """Have files packed, as `pack_files` does; at most REQUEST_BYTES."""
        while len(self._waiting) >= _OUTSTANDING:
            self.receive()
        answer = Answer(self, files)
        self._waiting.append(answer)
        if not self._lost:
            self._send([tuple(file) for file in files])
        return answer

    def receive(self) -> None:
        """Wait for the oldest answer that is outstanding."""
        answer = self._waiting.popleft()
        if not self._lost:
            try:
                answer.settle(*pickle.load(self._answers))  # noqa: S301 (a private pipe)
                return
            except (OSError, EOFError, pickle.UnpicklingError):
                # It was killed; whatever it did not answer is done here.
                self._lost = True
        answer.settle_here()

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

    def _send(self, request: list[Any]) -> None:
        try:
            pickle.dump(request, self._requests, protocol=5)
            self._requests.flush()
        except OSError:
            self._lost = True

    def _is_ready(self) -> bool:
        with selectors.DefaultSelector() as selector:
            selector.register(self._answers, selectors.EVENT_READ)
            ready = selector.select(_PATIENCE)
        return bool(ready) and os.read(self._answers.fileno(), 1) == _READY


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
