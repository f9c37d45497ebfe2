"""django-dbbackup, with an environment and a small project of its own."""

import os
import subprocess
import sys
from pathlib import Path

from bench.contestant import Contestant, Unavailable
from bench.measure import Run
from bench.site import ROOT, Site

NAME = "django-dbbackup -z"
PACKAGES = ("django-dbbackup==5.4.0", "Django>=5.2,<5.3")
SETTINGS = "bench.dbbackup_settings"


def get_dbbackup(site: Site, folder: Path) -> Contestant:
    """Return its two commands, database and media, as one contestant."""

    def plan(work: Path) -> Run:
        python = install(folder / "dbbackup-venv")
        result = work / "out"
        result.mkdir()
        environment = os.environ | {
            "PYTHONPATH": str(ROOT),
            "DJANGO_SETTINGS_MODULE": SETTINGS,
            "BENCH_SITE": str(site.folder),
            "BENCH_RESULT": str(result),
        }
        script = (
            '"$0" -m django dbbackup -z --noinput'
            ' && "$0" -m django mediabackup -z --noinput'
        )
        return Run(
            ["bash", "-c", script, str(python)],
            ROOT,
            environment,
            result=result,
            watched=(work / "tmp",),
        )

    return Contestant(NAME, plan)


def install(folder: Path) -> Path:
    """Make the environment unless it is there; return its interpreter.

    Raises Unavailable.
    """
    python = folder / "bin" / "python"
    done = folder / "installed"
    if done.exists() and done.read_text() == "\n".join(PACKAGES):
        return python
    print("Installing django-dbbackup …", flush=True)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install"]
    make = [sys.executable, "-m", "venv", "--clear", str(folder)]
    try:
        subprocess.run(make, check=True)
        subprocess.run([*pip, "--quiet", *PACKAGES], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Unavailable(f"it could not be installed: {error}") from error
    done.write_text("\n".join(PACKAGES))
    return python
