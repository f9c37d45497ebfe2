"""Runs one command in a fresh process and tells all that it cost."""

import ctypes
import os
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.processes import (
    busy_seconds,
    deleted_files,
    disk_of,
    proportional_memory,
    size_of,
    tree_of,
    used_seconds,
)

EVERY = 0.03
"""Seconds between two looks at the memory."""
COSTLY = 25
"""A look is followed by a pause this many times as long, to disturb little."""
LONGEST = 3600
PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Run:
    """A command, and what of its surroundings belongs to it."""

    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    result: Path | None = None
    """What it makes, whose size is of interest."""
    watched: tuple[Path, ...] = ()
    """Folders of what is temporary; where the result grows is none of them."""
    file_system: Path | None = None
    """A folder in it; all that it loses meanwhile counts as temporary."""
    servers: tuple[int, ...] = ()
    """Processes, started before, that do a part of the work."""


@dataclass(frozen=True)
class Figures:
    """What one run cost."""

    wall: float
    user: float
    system: float
    """Seconds; of the servers, all is in ``user``."""
    memory: int
    """Most bytes of the whole tree at one moment; PSS."""
    result_bytes: int
    extra_disk: int
    """Most bytes of temporary files on the disk at one moment."""
    foreign: float
    """What all others used, as a share of one core."""
    error: str = ""

    @property
    def cpu(self) -> float:
        return self.user + self.system


class Sampler(threading.Thread):
    """Notes the peaks of memory and disk until it is stopped."""

    def __init__(self, run: Run, root: int) -> None:
        super().__init__(daemon=True)
        self.memory = self.disk = 0
        self._run = run
        self._root = root
        self._ended = threading.Event()
        self._free = free_space(run.file_system) if run.file_system else 0

    def run(self) -> None:
        next_disk = 0.0
        while True:
            start = time.perf_counter()
            processes = list(tree_of((self._root, *self._run.servers)))
            memory = sum(map(proportional_memory, processes))
            self.memory = max(self.memory, memory)
            if start >= next_disk:
                self.disk = max(self.disk, self._disk(processes))
                next_disk = start + 0.1 + COSTLY * (time.perf_counter() - start)
            pause = max(EVERY, COSTLY * (time.perf_counter() - start))
            if self._ended.wait(min(pause, 1.0)):
                return

    def stop(self) -> None:
        self._ended.set()
        self.join()

    def _disk(self, processes: list[int]) -> int:
        if self._run.file_system:
            return self._free - free_space(self._run.file_system)
        if not self._run.watched:
            return 0
        named = sum(map(disk_of, self._run.watched))
        return named + deleted_files(processes)


def free_space(folder: Path) -> int:
    status = os.statvfs(folder)
    return status.f_bfree * status.f_frsize


def adopt_orphans() -> None:
    """Become the parent of descendants whose own one ends, so that they count."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def measure(run: Run, log: Path) -> Figures:
    """Run the command to its end; what it prints goes to *log*."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    served = serving_seconds(run)
    busy, own = busy_seconds(), time.process_time()
    with log.open("wb") as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            run.command,
            cwd=run.folder,
            env=dict(run.environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        sampler = Sampler(run, process.pid)
        sampler.start()
        status = wait_or_kill(process)
        wall = time.perf_counter() - start
    reap_orphans(process.pid)
    sampler.stop()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    served = serving_seconds(run) - served
    user = after.ru_utime - before.ru_utime + served
    system = after.ru_stime - before.ru_stime
    others = busy_seconds() - busy - (time.process_time() - own) - user - system
    size = size_of(run.result) if run.result and run.result.exists() else 0
    return Figures(
        wall=wall,
        user=user,
        system=system,
        memory=sampler.memory,
        result_bytes=size,
        extra_disk=max(sampler.disk, 0),
        foreign=max(others / wall, 0.0),
        error=f"status {status}: {last_line(log)}" if status else "",
    )


def serving_seconds(run: Run) -> float:
    return sum(map(used_seconds, tree_of(run.servers)))


def wait_or_kill(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end; not with a timeout, which looks every 50 ms only."""
    alarm = threading.Timer(LONGEST, kill_group, [process.pid])
    alarm.daemon = True
    alarm.start()
    try:
        return process.wait()
    except BaseException:
        kill_group(process.pid)
        process.wait()
        raise
    finally:
        alarm.cancel()


def kill_group(group: int) -> None:
    os.killpg(group, signal.SIGKILL)


def reap_orphans(group: int) -> None:
    """Wait for what the command left running."""
    try:
        while True:
            os.waitpid(-group, 0)
    except ChildProcessError:
        return


def last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else ""
