"""restic: a first backup into a new repository, which has no older one to use."""

import os
import subprocess
from pathlib import Path

from bench.contestant import Contestant, needs
from bench.measure import Run
from bench.site import Site

NAME = "restic backup"


def get_restic(site: Site) -> Contestant:
    def plan(work: Path) -> Run:
        repository = work / "repository"
        environment = os.environ | {
            "RESTIC_REPOSITORY": str(repository),
            "RESTIC_PASSWORD": "bench",
            "RESTIC_CACHE_DIR": str(work / "cache"),
        }
        subprocess.run(
            ["restic", "--quiet", "init"],
            env=environment,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        return Run(
            ["restic", "--quiet", "backup", "db.sqlite3", "media"],
            site.folder,
            environment,
            result=repository,
            watched=(work / "tmp", work / "cache"),
        )

    return needs("restic", Contestant(NAME, plan))
