"""The phases of operations in words; the history and the API have their names."""

import dataclasses
import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from backups.models import Operation

PHASES = {
    "": _("preparing"),
    "databases": _("saving the databases"),
    "media": _("saving the files"),
    "storing": _("storing the archive"),
    "pruning": _("removing old backups"),
    "safety copy": _("saving the present state"),
    "fetching": _("fetching the archive"),
    "verifying": _("verifying the archive"),
    "checking": _("checking what it holds"),
    "migrating": _("running migrations"),
    "saving": _("saving the latest changes"),
    "committing": _("replacing the data"),
}


@dataclasses.dataclass(frozen=True)
class Step:
    """One line of an operation's log."""

    words: Any
    begun: datetime.datetime
    seconds: float | None
    """How long it took; None while it goes on."""


def in_words(phase: str) -> Any:
    return PHASES.get(phase, phase)


def log_of(operation: Operation) -> list[Step]:
    """Return the phases that an operation went through, with their times."""
    begun = [
        datetime.datetime.fromisoformat(moment) for _name, moment in operation.phases
    ]
    ended = [*begun[1:], operation.finished]
    return [
        Step(in_words(name), start, (end - start).total_seconds() if end else None)
        for (name, _moment), start, end in zip(
            operation.phases, begun, ended, strict=False
        )
    ]
