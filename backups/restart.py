"""Asking the server of this process to replace its workers."""

import logging
import os
import signal
import sys
from pathlib import Path

from .conf import get_settings
from .durability import write_durably

logger = logging.getLogger(__name__)


def reload_server(marks: Path, generation: object) -> None:
    """Send SIGHUP to the gunicorn master above this worker, once a generation.

    *marks* is a folder in which the workers of one master agree on who does it.
    Anything else than gunicorn is left alone: it serves the restored data all
    the same, since every process drops what it knows of the old.
    """
    master = os.getppid()
    if not get_settings().RELOAD or not _is_gunicorn(master):
        return
    try:
        _reload_once(master, marks, generation)
    except OSError:
        logger.exception("gunicorn (process %s) could not be reloaded.", master)


def _reload_once(master: int, marks: Path, generation: object) -> None:
    marks.mkdir(mode=0o700, exist_ok=True)
    mark = marks / f"{master}-{_start_time(master)}"
    wanted = repr(generation).encode()
    try:
        if mark.read_bytes() == wanted:
            return
    except FileNotFoundError:
        pass  # The first reload of this master.
    # Two workers may get here at once; gunicorn bears a second SIGHUP.
    write_durably(mark, wanted)
    logger.info("Asking gunicorn (process %s) to replace its workers.", master)
    os.kill(master, signal.SIGHUP)


def _is_gunicorn(pid: int) -> bool:
    """Whether this is a gunicorn worker and *pid* its master, of the same user."""
    if "gunicorn.arbiter" not in sys.modules:
        return False
    process = Path(f"/proc/{pid}")
    try:
        command = (process / "cmdline").read_bytes()
        return process.stat().st_uid == os.getuid() and b"gunicorn" in command
    except OSError:
        return False


def _start_time(pid: int) -> str:
    """When the process started, so that a reused number is told apart."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
