"""A second process that packs or unpacks tiny files while the first does the rest.

For files of a few kilobytes most of the time goes to Python itself, and threads
only take turns at that. Everything works without the helper, only slower.
"""

import ctypes
import os
import pickle
import selectors
import signal
import socket
import struct
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Protocol, Self, cast

from .memory import reuse_memory

_START = (
    "import sys; sys.path.insert(0, sys.argv[1]);"
    "from backups.archive.helper import serve; serve()"
)
_READY = b"+"
_PR_SET_PDEATHSIG = 1
_PATIENCE = 10.0
# Room for every answer that can be outstanding, so that the helper never waits
# for one to be read, and therefore always goes on to read requests.
_PIPE = 1 << 20
_OUTSTANDING = 2
# Of a request: its bytes, and how many descriptors come with it.
_HEAD = struct.Struct("<IH")
_MOST_DESCRIPTORS = 250
HELP_FROM = 2000
"""From so many tiny files on a helper is worth its start."""
REQUEST_BYTES = 384 << 10
"""Most bytes of answer to ask for at once."""


class Task(Protocol):
    """Work for either process. It is pickled; open files are handed on beside it."""

    @property
    def descriptors(self) -> Sequence[int]:
        """What `run` reads from."""

    def run(self, descriptors: Sequence[int]) -> Any:
        """Do it, in whichever process, and return the result."""

    def redo(self) -> Any:
        """Do it here; a helper that died may have begun it."""

    def close(self) -> None:
        """Close what only this task has open."""


class Answer:
    """What a task comes to that the helper is asked to do."""

    def __init__(self, helper: "Helper", task: Task) -> None:
        self._helper = helper
        self._task = task
        self._is_settled = False
        self._value: Any = None
        self._error: Exception | None = None

    def done(self) -> bool:
        """Tell whether `result` would return at once."""
        return self._is_settled

    def result(self) -> Any:
        """Return the result, waiting for it; raises what the task has raised."""
        while not self._is_settled:
            self._helper.receive()
        if self._error:
            raise self._error
        return self._value

    def drop(self) -> None:
        """Want the result no more."""
        self._task.close()

    def settle(self, reply: tuple[Any, Exception | None] | None) -> None:
        """Take what the helper replied, or do without it."""
        try:
            self._value, self._error = reply or (self._task.redo(), None)
        except Exception as error:  # noqa: BLE001 (raised by `result`)
            self._error = error
        finally:
            self._task.close()
            self._is_settled = True


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

    def ask(self, task: Task) -> Answer:
        """Have a task done and closed; its result is at most REQUEST_BYTES."""
        answer = Answer(self, task)
        self._waiting.append(answer)
        while len(self._waiting) > _OUTSTANDING:
            self.receive()
        if not self._lost:
            self._send(task)
        return answer

    def receive(self) -> None:
        """Wait for the oldest answer that is outstanding."""
        answer = self._waiting.popleft()
        reply = None
        if not self._lost:
            try:
                reply = pickle.load(self._answers)  # noqa: S301 (a private pipe)
            except (OSError, EOFError, pickle.UnpicklingError):
                # It was killed; whatever it did not answer is done here.
                self._lost = True
        answer.settle(reply)

    def close(self) -> None:
        """End the process and drop the answers that nobody took."""
        self._process.kill()
        self._process.wait()
        self._selector.close()
        self._requests.close()
        self._answers.close()
        while self._waiting:
            self._waiting.popleft().drop()

    def _send(self, task: Task) -> None:
        request = pickle.dumps(task, protocol=5)
        descriptors = task.descriptors
        message = _HEAD.pack(len(request), len(descriptors)) + request
        try:
            sent = socket.send_fds(self._requests, [message], descriptors)
            self._requests.sendall(message[sent:])
        except OSError:
            self._lost = True

    def _is_ready(self) -> bool:
        ready = self._selector.select(_PATIENCE)
        return bool(ready) and os.read(self._answers.fileno(), 1) == _READY


def serve() -> None:
    """Be the helper: do tasks from standard input until it ends."""
    _end_with_parent()
    reuse_memory()
    requests, answers = socket.socket(fileno=sys.stdin.fileno()), sys.stdout.buffer
    answers.write(_READY)
    answers.flush()
    while True:
        head, descriptors, *_ = socket.recv_fds(requests, _HEAD.size, _MOST_DESCRIPTORS)
        if len(head) < _HEAD.size:
            return
        size, count = _HEAD.unpack(head)
        request = requests.recv(size, socket.MSG_WAITALL)
        try:
            # Fewer descriptors come where this process may have no more.
            reply = _reply(request, descriptors) if len(descriptors) == count else None
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        pickle.dump(reply, answers, protocol=5)
        answers.flush()


def _end_with_parent() -> None:
    """Have the system kill this process when the thread that started it is gone.

    It would notice only after the task it is at, and might go on to write where
    the next operation has just cleaned up. Source: prctl(2), PR_SET_PDEATHSIG.
    """
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _reply(request: bytes, descriptors: Sequence[int]) -> tuple[Any, Exception | None]:
    """Return the result of a task, or what it raised."""
    task: Task = pickle.loads(request)  # noqa: S301 (a private socket)
    try:
        return task.run(descriptors), None
    except Exception as error:  # noqa: BLE001 (raised by whoever asked)
        return None, error
