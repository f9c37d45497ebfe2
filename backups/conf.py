"""The app's settings: one dictionary, ``BACKUPS``, with a default for every key."""

import dataclasses
from pathlib import Path
from typing import Any

from django.conf import settings

from backups.texts import gettext_noop as _

from .exceptions import Misconfigured


@dataclasses.dataclass(frozen=True)
class Settings:
    """What ``settings.BACKUPS`` says, with the defaults filled in."""

    SITE_NAME: str = "Acme"
    """Names the site in generated archive names and in mails."""

    STORAGE: str = "backups"
    """Alias in ``STORAGES`` of the storage that keeps the archives."""

    MEDIA: str | None = "default"
    """Alias in ``STORAGES`` of the media to back up; None leaves media out."""

    DATABASES: tuple[str, ...] | None = None
    """Aliases to back up; None means every entry of ``DATABASES``."""

    WORKSPACE: Path | None = None
    """Private local folder for locks, staging and the journal of a restore.
    Must be the same for every process of the site and survive a restart.
    None means ``backups-workspace`` beside ``manage.py`` (``BASE_DIR``)."""

    LEASE_TTL: int = 60
    """Seconds after which the lease of a silent holder is free again."""

    DRAIN_TIMEOUT: int = 30
    """Seconds that a restore waits for running requests before it gives up."""

    APPLY_TIMEOUT: int = 30
    """Seconds that a restore waits for a database that others keep locked."""

    SAFETY_COPY: bool = True
    """Save the present state before a restore replaces it, so that it can be undone."""

    SAFETY_DAYS: int = 7
    """Days for which such a copy can't be deleted; pruning deletes it after them."""

    RELOAD: bool = True
    """Ask gunicorn to replace its workers after a restore."""

    SCHEDULER: bool = True
    """Run the schedule inside the processes that serve the site."""

    DISPATCH: str = "process"
    """Where operations run: ``process`` (their own) or ``inline`` (tests)."""

    LOGIN_FAILURES: int = 10
    """Failed logins that one address may make within ``LOGIN_WINDOW``."""

    LOGIN_WINDOW: int = 60
    """Seconds over which failed logins are counted."""

    API_TOKEN_LIFETIME: int = 86_400
    """Seconds that the token of a login is good for."""

    FILE_TOKEN_LIFETIME: int = 180
    """Seconds that a download link is good for."""

    SUPERUSER_IPS: tuple[str, ...] = ()
    """Addresses and networks that superusers may use the API from; () is any."""

    TRUSTED_PROXY_HEADERS: tuple[str, ...] = ()
    """Headers in which a proxy in front tells the client's address."""

    CORS_ORIGIN: str = "*"
    """What the API answers as ``Access-Control-Allow-Origin``."""

    @property
    def workspace(self) -> Path:
        """Absolute path of the workspace; it need not exist yet.

        Raises Misconfigured where it would depend on the current folder: each
        process has its own, so they would not see each other's locks.
        """
        place = self.WORKSPACE
        if place is None:
            base = getattr(settings, "BASE_DIR", None) or ""
            place = Path(base) / "backups-workspace"
        if not Path(place).is_absolute():
            raise Misconfigured(
                _("The settings name no absolute folder for the workspace of backups.")
            )
        return Path(place).resolve()


FIELDS = {field.name for field in dataclasses.fields(Settings)}


def get_settings() -> Settings:
    """Return the settings in force now.

    Read it inside functions, never at import. Unknown keys are ignored here
    and reported by the system check ``backups.E001``.
    """
    given: dict[str, Any] = getattr(settings, "BACKUPS", {})
    return Settings(**{key: given[key] for key in FIELDS & given.keys()})
