"""Management commands in processes of their own."""

import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings


def start_command(*arguments: str, lock: int) -> subprocess.Popen[bytes]:
    """Start ``manage.py`` with *arguments*, detached from this process.

    It has its own session, so neither a signal to the server's group nor the
    end of this process reaches it, and it inherits the descriptor *lock*.
    """
    return subprocess.Popen(
        [_python(), "-m", "django", *arguments],
        env=_environment(),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=(lock,),
    )


def run_command(*arguments: str) -> str | None:
    """Run ``manage.py`` to its end; return None, or what a failed one printed."""
    done = subprocess.run(
        [_python(), "-m", "django", *arguments],
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    return done.stderr.decode(errors="replace") if done.returncode else None


def _python() -> str:
    """Return the interpreter, also where the executable is a server (uWSGI)."""
    if Path(sys.executable).name.startswith("python"):
        return sys.executable
    return str(Path(sys.prefix) / "bin" / "python3")


def _environment() -> dict[str, str]:
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": settings.SETTINGS_MODULE,
        "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
    }
