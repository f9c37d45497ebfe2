"""What can go wrong, in words fit for a superuser.

Every message may be shown on a page, in an API answer or on a terminal: it
holds no path of the server, no secret and no text of a third party that could
hold one. It is an English template with named parameters, marked for gettext; see
``texts``.
"""

import datetime
from typing import Any

from .texts import Text
from .texts import gettext_noop as _


class BackupError(Exception):
    """Base of every error that this app raises on purpose.

    ``str`` of it is English; ``text`` can be translated.
    """

    def __init__(self, message: str = "", **params: Any) -> None:
        self.text = Text(message, **params)
        super().__init__(self.text)


class Misconfigured(BackupError):
    """The site is set up in a way in which a backup or restore can't work."""


class OperationInProgress(BackupError):
    """Another operation holds the lease."""

    def __init__(self) -> None:
        super().__init__(_("Another backup or restore is already running."))


class LeaseLost(BackupError):
    """This process no longer holds the lease, so it must not change anything."""

    def __init__(self) -> None:
        super().__init__(_("The operation lost its lock and stopped."))


class BackupNotFound(BackupError):
    """No backup is stored under that key."""

    def __init__(self, key: str) -> None:
        super().__init__(_("There is no backup named “%(key)s”."), key=key)


class NameTaken(BackupError):
    """A backup is already stored under that key."""

    def __init__(self, key: str) -> None:
        super().__init__(_("A backup named “%(key)s” already exists."), key=key)


class InvalidName(BackupError):
    """The key breaks the rules of names."""


class BackupInUse(BackupError):
    """The running operation works on that backup."""

    def __init__(self, key: str) -> None:
        super().__init__(
            _("The backup “%(key)s” is in use and cannot be deleted."), key=key
        )


class BackupProtected(BackupError):
    """A safety copy whose time is not over yet."""

    def __init__(self, key: str, until: datetime.datetime) -> None:
        super().__init__(
            _(
                "The backup “%(key)s” undoes a restore, so it is protected until %(until)s."
            ),
            key=key,
            until=f"{until:%Y-%m-%d}",
        )


class NothingToUndo(BackupError):
    """There is no restore, or no safety copy of what it replaced."""


class InvalidArchive(BackupError):
    """The file is not an archive of ours, or not a sound one."""


class RestoreRefused(BackupError):
    """A sound archive that does not fit this site."""


class SnapshotFailed(BackupError):
    """A database or the media could not be read."""


class StoreFailed(BackupError):
    """The storage that keeps the archives did not do what it was asked."""


class NameUnchecked(StoreFailed):
    """The storage did not say whether a backup is stored under that key."""


class RecoveryFailed(BackupError):
    """An interrupted restore can't be settled yet; its journal is kept."""


class OperationFailed(BackupError):
    """The operation ended without success; the message is the recorded cause."""


class NotReplaced(OperationFailed):
    """A database could not be replaced, and is surely as it was."""
