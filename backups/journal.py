"""The on-disk record of a restore that is being committed.

It exists from the moment the site is closed until the outcome is certain, so
its presence is also what keeps the site closed. It lives outside the databases
because it must be readable when they are not.
"""

import dataclasses
import enum
import json
import uuid
from pathlib import Path
from typing import Any

from backups.texts import gettext_noop as _

from . import workspace
from .durability import sync_path, write_durably
from .exceptions import OperationInProgress, RecoveryFailed


class Step(enum.StrEnum):
    """How far the commit got; each is written before its first change."""

    DRAINING = "draining"
    """Nothing was changed yet."""

    DATABASES = "databases"
    """The databases other than the last one are being replaced."""

    MEDIA_OUT = "media-out"
    """The live media entries, all of them old, move aside."""

    MEDIA_IN = "media-in"
    """The new media entries move in, then the last database is replaced."""


@dataclasses.dataclass(frozen=True)
class Journal:
    token: uuid.UUID
    step: Step
    undo: dict[str, str]
    """Database alias → file with what it held before; the last one has none."""
    media_root: str | None
    """Where the media live; None if they are not part of the restore."""
    begun: tuple[str, ...] = ()
    """Aliases of those databases whose replacing was begun, in order."""

    def begin(self) -> None:
        """Close the site. Raises OperationInProgress if another journal does."""
        try:
            self.write(replace=False)
        except FileExistsError:
            raise OperationInProgress from None

    def advance(self, step: Step) -> "Journal":
        """Record durably that *step* begins."""
        moved = dataclasses.replace(self, step=step)
        moved.write()
        return moved

    def begin_database(self, alias: str) -> "Journal":
        """Record durably that the replacing of that database begins."""
        moved = dataclasses.replace(self, begun=(*self.begun, alias))
        moved.write()
        return moved

    def leave_database(self) -> None:
        """Record durably that the last one that was begun is as it was."""
        dataclasses.replace(self, begun=self.begun[:-1]).write()

    def write(self, *, replace: bool = True) -> None:
        content = {**dataclasses.asdict(self), "token": str(self.token)}
        write_durably(_path(), json.dumps(content).encode(), replace=replace)


def _path() -> Path:
    return workspace.root() / "journal.json"


def exists() -> bool:
    """Whether a restore is being committed, or was when its process died."""
    return _path().exists()


def names(token: uuid.UUID) -> bool:
    """Whether the journal is that operation's; an unreadable one may be."""
    try:
        found = read()
    except RecoveryFailed:
        return True
    return found is not None and found.token == token


def read() -> Journal | None:
    """Return the journal, or None. Raises RecoveryFailed if it makes no sense."""
    try:
        content: dict[str, Any] = json.loads(_path().read_bytes())
        content["token"] = uuid.UUID(content["token"])
        content["step"] = Step(content["step"])
        # A journal from before there were any names: all may have been begun.
        content["begun"] = tuple(content.get("begun", content["undo"]))
        return Journal(**content)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        raise RecoveryFailed(_("The journal of the restore can't be read.")) from error


def remove() -> None:
    """Open the site again; call it once the outcome is certain."""
    _path().unlink(missing_ok=True)
    sync_path(_path().parent)
