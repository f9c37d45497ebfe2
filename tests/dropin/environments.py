"""The Pythons and Djangos that the wheel is tried with, each in a venv of its own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
OLDEST = ("Django~=5.2.19", "django5.2")
NEWEST = ("Django>=6,<7", "django6")
FIRST_WITH_NEWEST = (3, 12)


class Environment(NamedTuple):
    """A Python and the Django to install for it."""

    python: str
    version: tuple[int, int]
    django: str
    label: str

    def __str__(self) -> str:
        return f"python{self.version[0]}.{self.version[1]}-{self.label}"


def find_environments() -> Iterator[Environment]:
    """Yield what this machine has: Django 5.2 on this Python, 6.x on all it can."""
    here = sys.version_info[:2]
    yield Environment(sys.executable, here, *OLDEST)
    found = {here: sys.executable}
    for version in ((3, 12), (3, 13)):
        if version not in found and (python := find_python(version)):
            found[version] = python
    for version, python in sorted(found.items()):
        if version >= FIRST_WITH_NEWEST:
            yield Environment(python, version, *NEWEST)


def find_python(version: tuple[int, int]) -> str | None:
    """Return a working interpreter of that version: of pyenv, or on the PATH."""
    name = f"python{version[0]}.{version[1]}"
    versions = Path.home() / ".pyenv" / "versions"
    of_pyenv = sorted(versions.glob(f"{name.removeprefix('python')}.*/bin/python"))
    for candidate in (*map(str, of_pyenv), shutil.which(name)):
        # pyenv puts a stand-in on the PATH that works for chosen versions only.
        if candidate and runs(candidate, "-c", "import sqlite3, ssl, venv"):
            return candidate
    return None


def runs(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def clean_environ() -> dict[str, str]:
    """Return this process's variables without what could lead to the repository."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR")
    pip = {name: value for name, value in os.environ.items() if name[:4] == "PIP_"}
    return pip | {name: os.environ[name] for name in kept if name in os.environ}


def build_wheel(folder: Path) -> Path:
    """Build the wheel of the repository the way that pip does."""
    run_pip("wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT))
    (wheel,) = folder.glob("django_site_backups-*.whl")
    return wheel


def make_venv(folder: Path, environment: Environment, wheel: Path) -> Path:
    """Install the wheel and a server; return the Python to run."""
    subprocess.run(
        [environment.python, "-m", "venv", "--without-pip", str(folder)], check=True
    )
    wanted = (str(wheel), environment.django, "gunicorn")
    # What is never imported need not be compiled.
    run_pip("--python", str(folder), "install", "--no-compile", *wanted)
    return folder / "bin" / "python"


def run_pip(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--quiet", *arguments],
        env=clean_environ(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
