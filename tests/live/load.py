"""Light load: readers and writers that note all that they are answered."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple, Self

from .server import Answer, Site


class Seen(NamedTuple):
    """One request: when it was sent, when answered, and what came."""

    sent: float
    answered: float
    title: str
    """What was to be added; empty for a reader."""
    answer: Answer | None
    error: str

    @property
    def ok(self) -> bool:
        return self.answer is not None and self.answer.status == 200

    @property
    def is_read(self) -> bool:
        return self.ok and not self.title

    @property
    def state(self) -> Any:
        assert self.answer
        return json.loads(self.answer.body)


class Load:
    """Threads that each send one request after the other, each over a new connection."""

    def __init__(self, site: Site, readers: int = 4, writers: int = 2) -> None:
        self.seen: list[Seen] = []
        self._site = site
        self._stop = threading.Event()
        self._threads = [
            *(threading.Thread(target=self._read) for _ in range(readers)),
            *(threading.Thread(target=self._write, args=(n,)) for n in range(writers)),
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _read(self) -> None:
        while not self._stop.is_set():
            self._note("", lambda: self._site.request("GET", "/site/state"))

    def _write(self, writer: int) -> None:
        count = 0
        while not self._stop.is_set():
            count += 1
            title = f"written-{writer}-{count}"
            self._note(title, lambda title=title: self._site.add_article(title))
            self._stop.wait(0.03)

    def _note(self, title: str, send: Callable[[], Answer]) -> None:
        sent, answer, error = time.monotonic(), None, ""
        try:
            answer = send()
        except Exception as reason:  # noqa: BLE001
            error = repr(reason)
        self.seen.append(Seen(sent, time.monotonic(), title, answer, error))
