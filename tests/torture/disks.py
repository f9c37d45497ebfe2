"""Small file systems of their own, which a test fills to the brim."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SYSTEMS = ("tmpfs", "ext4")
MEGABYTES = 24


class Disk:
    """A small file system, of which one folder is shown somewhere else."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def filler(self) -> Path:
        return self.root / "filler"

    def fill(self, leaving: int) -> None:
        """Leave no more than that many bytes free."""
        with self.filler.open("wb") as file:
            for block in (1 << 20, 1 << 16, 1 << 12):
                self._grow(file.fileno(), leaving, block)

    def _grow(self, descriptor: int, leaving: int, block: int) -> None:
        while self.free() - block >= leaving:
            try:
                os.posix_fallocate(descriptor, os.fstat(descriptor).st_size, block)
            except OSError:
                return  # What is left is the file system's own.

    def free(self) -> int:
        status = os.statvfs(self.root)
        return status.f_bavail * status.f_frsize

    def empty(self) -> None:
        self.filler.unlink(missing_ok=True)


@contextmanager
def mounted(system: str, folder: Path, *, at: Path) -> Iterator[Disk]:
    """Make a file system in *folder* and show a part of it *at* another place.

    Raises OSError where nothing can be mounted.
    """
    root = folder / "disk"
    image = folder / "image"
    root.mkdir()
    at.mkdir(exist_ok=True)
    if system == "tmpfs":
        run("mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(root))
    else:
        with image.open("wb") as file:
            file.truncate(MEGABYTES << 20)
        run("mkfs.ext4", "-q", "-m", "0", str(image))
        run("mount", "-o", "loop", str(image), str(root))
    try:
        (root / "shown").mkdir(mode=0o700)
        run("mount", "--bind", str(root / "shown"), str(at))
        try:
            yield Disk(root)
        finally:
            run("umount", "--lazy", str(at))
    finally:
        run("umount", "--lazy", str(root))
        image.unlink(missing_ok=True)
        root.rmdir()


def run(*command: str) -> None:
    if not shutil.which(command[0]):
        raise OSError(f"{command[0]} is not installed")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(done.stderr.strip())
