"""Settings of the tests that run inside pytest: files below a temporary folder."""

import atexit
import os
import shutil
import tempfile

# Inherited by the processes that the tests start.
if "BACKUPS_TESTS_DIR" not in os.environ:
    os.environ["BACKUPS_TESTS_DIR"] = tempfile.mkdtemp(prefix="backups-tests-")
    atexit.register(shutil.rmtree, os.environ["BACKUPS_TESTS_DIR"], ignore_errors=True)
os.environ["DATA_DIR"] = os.environ["BACKUPS_TESTS_DIR"]

from tests.live_settings import *  # noqa: F403
from tests.live_settings import BACKUPS, DATA_DIR, DATABASES

# A file, not memory: threads and the engine itself have to see it.
DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
DATABASES["second"] = {
    **DATABASES["default"],
    "NAME": str(DATA_DIR / "second.sqlite3"),
    "TEST": {"NAME": str(DATA_DIR / "test-second.sqlite3")},
}
BACKUPS = {
    **BACKUPS,
    "DISPATCH": "inline",
    "SCHEDULER": False,
    "SITE_NAME": "Test Site",
}
