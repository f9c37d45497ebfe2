"""Work on several threads whose results arrive in the order of submission."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol


class Job(Protocol):
    """Something that will have a result, like a Future."""

    def done(self) -> bool: ...
    def result(self) -> Any: ...


Aside = Callable[..., Job]
"""What starts work beside the belt, like `Conveyor.aside`."""


class Conveyor:
    """Lays jobs down in order, lets threads work on them, delivers in order.

    Deliveries happen in the thread that calls put, then or drain, so what they
    touch needs no lock. At most `depth` jobs exist at a time: put waits for the
    oldest. The error of a job is raised from its delivery.
    """

    def __init__(self, threads: int, depth: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="archive")
        self._aside = ThreadPoolExecutor(2, thread_name_prefix="archive-aside")
        self._depth = depth
        self._jobs = 0
        self._queue: deque[tuple[Job | None, Callable[..., None]]] = deque()

    def put(
        self, deliver: Callable[[Any], None], work: Callable[..., Any], *args: Any
    ) -> None:
        """Run `work(*args)` and later, in order, `deliver` with its result."""
        self._make_room()
        self._lay_down(deliver, self._pool.submit(work, *args))

    def put_job(self, deliver: Callable[[Any], None], job: Job) -> None:
        """Later, in order, call `deliver` with the result of a job under way."""
        self._make_room()
        self._lay_down(deliver, job)

    def then(self, deliver: Callable[[], None]) -> None:
        """Call `deliver` once everything laid down before is delivered."""
        self._make_room()
        if self._queue:
            self._queue.append((None, deliver))
        else:
            deliver()

    def aside(self, work: Callable[..., Any], *args: Any) -> Job:
        """Run `work(*args)` beside the belt, in no order; two at a time."""
        return self._aside.submit(work, *args)

    def drain(self) -> None:
        """Return when everything is delivered."""
        while self._queue:
            self._deliver_head()

    def close(self) -> None:
        """Drop what is not delivered and stop the threads."""
        self._queue.clear()
        for pool in (self._pool, self._aside):
            pool.shutdown(wait=True, cancel_futures=True)

    def _lay_down(self, deliver: Callable[[Any], None], job: Job) -> None:
        self._jobs += 1
        self._queue.append((job, deliver))

    def _make_room(self) -> None:
        while (
            self._jobs >= self._depth
            or len(self._queue) >= 2 * self._depth
            or self._is_head_ready()
        ):
            self._deliver_head()

    def _is_head_ready(self) -> bool:
        if not self._queue:
            return False
        job = self._queue[0][0]
        return job is None or job.done()

    def _deliver_head(self) -> None:
        job, deliver = self._queue.popleft()
        if job is None:
            deliver()
            return
        self._jobs -= 1
        deliver(job.result())
