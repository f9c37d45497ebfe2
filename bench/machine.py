"""What the figures were measured on and with."""

import os
import platform
import re
import shutil
import sqlite3
import subprocess
import zlib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PROGRAMS = {
    "zip": ("zip", "-v"),
    "unzip": ("unzip", "-v"),
    "7z": ("7z", "i"),
    "zstd": ("zstd", "--version"),
    "pigz": ("pigz", "--version"),
    "bsdtar": ("bsdtar", "--version"),
    "restic": ("restic", "version"),
    "nginx": ("nginx", "-v"),
    "curl": ("curl", "--version"),
    "tar": ("tar", "--version"),
}
PACKAGES = ("Django", "isal", "gunicorn", "boto3", "moto")
FLAGS = ("sha_ni", "avx2", "avx512f", "vaes", "sha2", "crc32")


def describe_machine(folder: Path) -> dict[str, str]:
    """Return name → value of all that decides how fast things are."""
    info = Path("/proc/cpuinfo").read_text()
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    flags = set(info.split())
    return {
        "processor": find(r"model name\s*: (.*)", info) or platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "instructions": ", ".join(flag for flag in FLAGS if flag in flags),
        "memory": f"{int(memory[1]) / 1e6:.1f} GB" if memory else "unknown",
        "file system": file_system(folder),
        "kernel": platform.release(),
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
        **{name: installed(name) for name in PACKAGES},
        **{name: program_version(name) for name in PROGRAMS},
    }


def find(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    return match[1].strip() if match else ""


def file_system(folder: Path) -> str:
    """Return kind and options of what *folder* is mounted from."""
    best = ""
    found = "unknown"
    for line in Path("/proc/mounts").read_text().splitlines():
        _, place, kind, options, *_ = line.split()
        inside = str(folder.resolve()).startswith(place.rstrip("/") + "/")
        if inside and len(place) >= len(best):
            best, found = place, f"{kind} ({options})"
    return found


def installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def program_version(name: str) -> str:
    if not shutil.which(name):
        return "missing"
    done = subprocess.run(
        PROGRAMS[name], capture_output=True, text=True, errors="replace"
    )
    text = f"{done.stdout}{done.stderr}"
    return find(r"(?<![\w.])v?(\d+\.\d+(?:\.\d+)*)", text) or "unknown"
