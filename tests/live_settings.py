"""The reference project with the tests' small site, for servers that tests start.

Everything lies below the environment's DATA_DIR.
"""

from backups_project.settings import *  # noqa: F403
from backups_project.settings import BACKUPS, DATABASES, INSTALLED_APPS, env

INSTALLED_APPS = [*INSTALLED_APPS, "tests.site"]
ROOT_URLCONF = "tests.urls"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
BACKUPS = {
    **BACKUPS,
    "LEASE_TTL": env.int("LEASE_TTL", 60),
    "DRAIN_TIMEOUT": env.int("DRAIN_TIMEOUT", 30),
    "APPLY_TIMEOUT": env.int("APPLY_TIMEOUT", 30),
}

if not env.bool("WAL", True):  # Each database keeps the mode that it has.
    for database in DATABASES.values():
        database["OPTIONS"]["init_command"] = "PRAGMA synchronous=FULL;"
