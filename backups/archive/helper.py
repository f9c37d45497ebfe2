"""A second process that packs tiny files while the first reads and writes.

For files of a few kilobytes most of the time goes to Python itself, and threads
only take turns at that. Everything works without the helper, only slower.
"""

import os
import pickle
import selectors
import socket
import struct
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Self, cast

from .deflate import BEST
from .memory import reuse_memory
from .packing import Batch, Opened, closing, pack_opened

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
_LENGTH = struct.Struct("<I")
_MOST_FILES = 250
REQUEST_BYTES = 384 << 10
"""Most bytes of files to ask for at once."""


class Answer:
    """A batch that the helper is asked for."""

    def __init__(self, helper: "Helper", files: Sequence[Opened]) -> None:
        self._helper = helper
        self._files = files
        self._batch: Batch | None = None

    def done(self) -> bool:
        """Tell whether `result` would return at once."""
        return self._batch is not None

    def result(self) -> Batch:
        """Return the batch, waiting for it; raises OSError for what can't be read."""
        while self._batch is None:
            self._helper.receive()
        return self._batch

    def drop(self) -> None:
        """Want the batch no more."""
        with closing(self._files):
            self._files = ()

    def settle(self, batch: Batch | None) -> None:
        """Take what the helper answered, or do without it."""
        with closing(self._files):
            self._batch = batch or pack_opened(self._files, BEST)


class Helper:
    """The other process; ends with this one, even if this one is killed.

    One thread uses it. No thread waits for it in the background: that thread
    and this one would keep taking the interpreter's lock from each other.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], requests: socket.socket
    ) -> None:
        self._process = process
        self._requests = requests
        self._answers = cast(IO[bytes], process.stdout)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._answers, selectors.EVENT_READ)
        self._waiting: deque[Answer] = deque()
        self._lost = False

    @classmethod
    def start(cls) -> Self | None:
        """Return a helper, or None where none can be had."""
        # Inside an application server the executable may be the server.
        if not Path(sys.executable or "").name.startswith("python"):
            return None
        root = str(Path(__file__).parents[2])
        requests, theirs = socket.socketpair()
        try:
            process = subprocess.Popen(
                [sys.executable, "-I", "-c", _START, root],
                stdin=theirs.fileno(),
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pipesize=_PIPE,
                start_new_session=True,
            )
        except OSError:
            requests.close()
            return None
        finally:
            theirs.close()
        helper = cls(process, requests)
        if helper._is_ready():
            return helper
        helper.close()
        return None

    def is_busy(self) -> bool:
        """Tell whether `ask` would have to wait."""
        return len(self._waiting) >= _OUTSTANDING and not self._selector.select(0)

    def ask(self, files: Sequence[Opened]) -> Answer:
        """Have files packed, as `pack_opened` does; at most REQUEST_BYTES.

        They are closed once they are packed.
        """
        answer = Answer(self, files)
        self._waiting.append(answer)
        while len(self._waiting) > _OUTSTANDING:
            self.receive()
        if not self._lost:
            self._send(files)
        return answer

    def receive(self) -> None:
        """Wait for the oldest answer that is outstanding."""
        answer = self._waiting.popleft()
        batch = None
        if not self._lost:
            try:
                batch = pickle.load(self._answers)  # noqa: S301 (a private pipe)
            except (OSError, EOFError, pickle.UnpicklingError):
                # It was killed; whatever it did not answer is done here.
                self._lost = True
        answer.settle(batch)

    def close(self) -> None:
        """End the process and close the files of answers that nobody wants."""
        self._process.kill()
        self._process.wait()
        self._selector.close()
        self._requests.close()
        self._answers.close()
        while self._waiting:
            self._waiting.popleft().drop()

    def _send(self, files: Sequence[Opened]) -> None:
        request = pickle.dumps([tuple(file) for file in files], protocol=5)
        message = _LENGTH.pack(len(request)) + request
        try:
            descriptors = [file.descriptor for file in files]
            sent = socket.send_fds(self._requests, [message], descriptors)
            self._requests.sendall(message[sent:])
        except OSError:
            self._lost = True

    def _is_ready(self) -> bool:
        ready = self._selector.select(_PATIENCE)
        return bool(ready) and os.read(self._answers.fileno(), 1) == _READY


def serve() -> None:
    """Be the helper: answer requests on standard input until it ends."""
    reuse_memory()
    requests, answers = socket.socket(fileno=sys.stdin.fileno()), sys.stdout.buffer
    answers.write(_READY)
    answers.flush()
    while True:
        message, descriptors, *_ = socket.recv_fds(requests, _LENGTH.size, _MOST_FILES)
        if len(message) < _LENGTH.size:
            return
        (size,) = _LENGTH.unpack(message)
        request = pickle.loads(requests.recv(size, socket.MSG_WAITALL))  # noqa: S301
        batch = _pack(request, descriptors)
        pickle.dump(batch, answers, protocol=5)
        answers.flush()


def _pack(request: list[tuple[Any, ...]], descriptors: list[int]) -> Batch | None:
    """Return the files as a batch, None if one can't be read by this process."""
    named = zip(request, descriptors, strict=False)
    files = [Opened(file[0], opened, *file[2:]) for file, opened in named]
    with closing(files):
        try:
            batch = pack_opened(files, BEST)
        except OSError:
            return None
    batch.parts = [b"".join(batch.parts)]
    return batch if len(files) == len(request) else None
