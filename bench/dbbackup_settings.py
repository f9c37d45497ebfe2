"""Settings of the project that django-dbbackup runs in; all else is its default."""

import os
from pathlib import Path

SITE = Path(os.environ["BENCH_SITE"])

SECRET_KEY = "of the benchmark"
USE_TZ = True
INSTALLED_APPS = ["dbbackup"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(SITE / "db.sqlite3"),
    }
}
MEDIA_ROOT = str(SITE / "media")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "dbbackup": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": os.environ["BENCH_RESULT"]},
    },
}
