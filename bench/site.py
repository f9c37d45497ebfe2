"""A site in a folder: the reference project with a DATA_DIR of its own."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EMAIL = "admin@example.com"
PASSWORD = "a-password-of-the-benchmark"


@dataclass(frozen=True)
class Site:
    """Where its parts lie, and how its commands are run."""

    folder: Path

    @property
    def database(self) -> Path:
        return self.folder / "db.sqlite3"

    @property
    def media(self) -> Path:
        return self.folder / "media"

    @property
    def backups(self) -> Path:
        return self.folder / "backups"

    @property
    def workspace(self) -> Path:
        return self.folder / "workspace"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DATA_DIR": str(self.folder),
            "DJANGO_SETTINGS_MODULE": "backups_project.settings",
            "DJANGO_SUPERUSER_EMAIL": EMAIL,
            "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
            "SCHEDULER": "false",
        }

    def install(self) -> None:
        """Make the folder, the database and a superuser."""
        self.media.mkdir(parents=True)
        self.manage("migrate", "--verbosity", "0")
        self.manage("first_superuser")

    def manage(self, *arguments: str) -> None:
        """Run a command of ``manage.py``; its log is shown if it fails only."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise SystemExit(f"manage.py {' '.join(arguments)} failed:\n{done.stderr}")
