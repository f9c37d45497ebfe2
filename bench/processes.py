"""What the processes of a tree use, read from /proc."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


def tree_of(roots: Iterable[int]) -> Iterator[int]:
    """Yield the *roots* and all that descends from them."""
    waiting = list(roots)
    while waiting:
        process = waiting.pop()
        yield process
        waiting += children_of(process)


def children_of(process: int) -> list[int]:
    """Return the children of every thread of *process*; none once it ended."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{process}/task"):
            path = f"/proc/{process}/task/{thread}/children"
            found += map(int, Path(path).read_bytes().split())
    except OSError:
        pass  # It ended this instant.
    return found


def proportional_memory(process: int) -> int:
    """Return its bytes of memory, of what is shared only its share (PSS)."""
    try:
        with open(f"/proc/{process}/smaps_rollup", "rb") as lines:
            for line in lines:
                if line.startswith(b"Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass  # It ended this instant.
    return 0


def used_seconds(process: int) -> float:
    """Return the CPU time of a process and of its children that ended."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return 0.0
    # The name, in parentheses, may hold spaces.
    fields = stat.rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICK


def busy_seconds() -> float:
    """Return the CPU time of everything on this machine since its start."""
    with open("/proc/stat") as file:
        fields = list(map(int, file.readline().split()[1:]))
    user, nice, system, _idle, _wait, interrupt, soft, steal = fields[:8]
    return (user + nice + system + interrupt + soft + steal) / TICK


def deleted_files(processes: Iterable[int]) -> int:
    """Return the bytes on the disk of files that are open but have no name."""
    found: dict[tuple[int, int], int] = {}
    for process in processes:
        folder = f"/proc/{process}/fd"
        try:
            for number in os.listdir(folder):
                path = f"{folder}/{number}"
                target = os.readlink(path)
                if target.endswith(" (deleted)") and not target.startswith("/memfd:"):
                    info = os.stat(path)
                    found[info.st_dev, info.st_ino] = info.st_blocks * 512
        except OSError:
            continue  # The process ended, or the file was closed, this instant.
    return sum(found.values())


def size_of(path: Path) -> int:
    """Return the bytes that a file, or all files of a folder, have."""
    if path.is_file():
        return path.stat().st_size
    return sum(info.st_size for info in _files(path))


def disk_of(path: Path) -> int:
    """Return the bytes that a file or folder takes on the disk, at this moment."""
    return sum(info.st_blocks * 512 for info in _files(path))


def _files(folder: Path) -> Iterator[os.stat_result]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield from _files(Path(entry.path))
                else:
                    yield entry.stat(follow_symlinks=False)
    except OSError:
        return  # Removed this instant.
