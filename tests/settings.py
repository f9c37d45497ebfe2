"""Settings of the tests that run inside pytest: files below a temporary folder."""

import os
import tempfile

os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="backups-tests-")

from tests.live_settings import *  # noqa: E402, F403
from tests.live_settings import BACKUPS, DATA_DIR, DATABASES  # noqa: E402

# A file, not memory: threads and the engine itself have to see it.
DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
DATABASES["second"] = {
    **DATABASES["default"],
    "NAME": str(DATA_DIR / "second.sqlite3"),
    "TEST": {"NAME": str(DATA_DIR / "test-second.sqlite3")},
}
BACKUPS = {**BACKUPS, "DISPATCH": "inline", "SITE_NAME": "Test Site"}
