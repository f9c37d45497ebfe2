"""Kill or pause a command at a chosen system call, by strace.

First a command is recorded, which gives every call that changes a file. Then it
runs again and is killed, or paused, at the n-th call of one kind. Nothing in
the app knows of it.

strace counts for each thread by itself: the first thread that gets to its n-th
call of that kind is the one. So a call of a helper thread can be chosen if its
number is one that the main thread doesn't reach.
"""

import json
import os
import re
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Self

from .server import LONG, Site, is_stopped, wait_until

CHANGES = "rename,link,unlink,unlinkat,mkdir,rmdir,fsync,fdatasync,ftruncate,pwrite64"
CALL = re.compile(r"(\d+) +(\w+)\((.*)")


class Call(NamedTuple):
    """A system call: the *nth* of that *name* in its thread."""

    name: str
    nth: int
    text: str
    """How strace shows it, with the files that descriptors stand for."""
    is_main: bool = True
    """Whether the main thread made it."""


class Ended(NamedTuple):
    status: int
    output: str


class Run:
    """One command that is under way, in a process that can be signalled."""

    def __init__(self, launcher: "Launcher", pids: list[int], output: Path) -> None:
        self.pids = pids
        self.output = output
        self._launcher = launcher

    @property
    def pid(self) -> int:
        return self.pids[0]

    def go_on(self) -> None:
        for pid in self.pids:
            os.kill(pid, signal.SIGCONT)

    def kill(self) -> None:
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)

    def wait(self) -> list[int]:
        """Return the statuses of the processes once all have ended."""
        return self._launcher.read()

    def end(self) -> Ended:
        return Ended(self.wait()[0], self.output.read_text())


class Launcher:
    """The process of ``launcher.py`` for one site; one run at a time."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.process = site.spawn("-m", "tests.live.launcher")
        self._runs = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.communicate()

    def read(self) -> list[int]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        return json.loads(line)

    def prepare(self, *arguments: str, count: int = 1) -> Run:
        """Return *count* processes that stand still before their first step."""
        self._runs += 1
        output = self.site.folder / f"output-{os.getpid()}-{id(self)}-{self._runs}"
        output.touch()
        assert self.process.stdin
        self.process.stdin.write(f"{json.dumps([arguments, count, str(output)])}\n")
        self.process.stdin.flush()
        run = Run(self, self.read(), output)
        for pid in run.pids:
            wait_until(lambda pid=pid: is_stopped(pid), "the process is ready")
        return run

    def run(self, *arguments: str) -> Ended:
        run = self.prepare(*arguments)
        run.go_on()
        return run.end()

    @contextmanager
    def traced(self, run: Run, *options: str, thread: int = 0):
        """Attach strace to a prepared run, or to one *thread* of it alone."""
        whom = ["-p", str(thread)] if thread else ["-f", "-p", str(run.pid)]
        tracer = subprocess.Popen(
            ["strace", "-qq", *whom, *options],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            traced = thread or run.pid
            wait_until(lambda: tracer.poll() or is_traced(traced), "strace is ready")
            assert tracer.poll() is None, tracer.communicate()[1]
            yield
        finally:
            tracer.terminate()
            tracer.communicate(timeout=LONG)

    def record(self, *arguments: str) -> list[Call]:
        """Run the command to its end; return the calls of its main thread."""
        calls = parse(*self.log_of(*arguments))
        return [call for call in calls if call.is_main]

    def log_of(self, *arguments: str, names: str = CHANGES) -> tuple[str, int]:
        """Run the command to its end; return strace's log, and the process's id."""
        run = self.prepare(*arguments)
        log = run.output.with_suffix(".strace")
        with self.traced(run, "-y", "-e", f"trace={names}", "-o", str(log)):
            run.go_on()
            ended = run.end()
        assert ended.status == 0, ended.output
        return log.read_text(), run.pid

    def kill_at(self, call: Call, *arguments: str) -> int:
        """Run the command until that call, which does not happen any more.

        Returns the exit status: that of the signal, unless the run was shorter.
        """
        run = self.prepare(*arguments)
        with self.traced(run, *inject(call, "KILL")):
            run.go_on()
            return run.end().status

    @contextmanager
    def paused_after(self, call: Call, *arguments: str):
        """Run the command until that call has happened, and hold it there.

        When the block ends it goes on, unless it was killed.
        """
        run = self.prepare(*arguments)
        log = run.output.with_suffix(".strace")
        with self.traced(run, *inject(call, "STOP", log)):
            run.go_on()
            wait_until(lambda: "--- SIGSTOP {" in log.read_text(), f"{call} happens")
            wait_until(lambda: is_held(run.pid), "all its threads stand still")
            yield run


def parse(log: str, pid: int) -> Iterator[Call]:
    """Yield the calls of all threads that strace has logged; *pid* is the main one."""
    counts: Counter[tuple[str, str]] = Counter()
    for line in log.splitlines():
        if found := CALL.match(line):
            thread, name, text = found.groups()
            counts[thread, name] += 1
            yield Call(name, counts[thread, name], text, int(thread) == pid)


def inject(call: Call, number: str, log: Path = Path(os.devnull)) -> list[str]:
    chosen = f"inject={call.name}:signal={number}:when={call.nth}"
    return ["-e", f"trace={call.name}", "-e", chosen, "-o", str(log)]


def find_call(calls: list[Call], name: str, text: str, nth: int = 1) -> Call:
    """Return the *nth* of the *calls* of that *name* whose text has *text*."""
    return [c for c in calls if c.name == name and text in c.text][nth - 1]


def is_traced(pid: int) -> bool:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return any(line.startswith("TracerPid:\t") and line[11:] != "0" for line in lines)


def is_held(pid: int) -> bool:
    """Whether all threads of the process are stopped, and stay so."""
    states = [
        Path(f"/proc/{pid}/task/{thread}/status").read_text()
        for thread in os.listdir(f"/proc/{pid}/task")
    ]
    return all("State:\tT" in state or "State:\tt" in state for state in states)
