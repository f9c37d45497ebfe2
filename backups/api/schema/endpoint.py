"""What there is to say about one endpoint."""

import dataclasses
import enum
from typing import Any

from backups.api.exceptions import INVALID_DATA, NOT_ALLOWED
from backups.api.parsers import JSON
from backups.api.permissions import NO_TOKEN, NOT_SUPERUSER
from backups.api.views import NO_ACCESS

from .shapes import Schema


class Caller(enum.Enum):
    """Who may call an endpoint."""

    ANYBODY = enum.auto()
    ANYBODY_OR_SUPERUSER = enum.auto()
    """Anybody, and superusers learn more."""
    ACCOUNT = enum.auto()
    SUPERUSER = enum.auto()
    FILE_TOKEN = enum.auto()
    """A superuser's file token in the query."""

    @property
    def refusals(self) -> dict[int, str]:
        """The message by status for those who may not."""
        match self:
            case Caller.ACCOUNT:
                return {401: NO_TOKEN, 403: NOT_ALLOWED}
            case Caller.SUPERUSER:
                return {401: NO_TOKEN, 403: NOT_SUPERUSER}
            case Caller.FILE_TOKEN:
                return {403: NO_ACCESS}
        # The list of addresses is for every path.
        return {403: NOT_ALLOWED}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answer:
    """A successful answer, or one that is no error."""

    about: str
    content: dict[str, Schema] = dataclasses.field(default_factory=dict)
    """Schema by media type; empty for an answer without a body."""
    headers: dict[str, Schema] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One operation, except for what is the same for all."""

    id: str
    tag: str
    summary: str
    about: str = ""
    caller: Caller = Caller.SUPERUSER
    query: tuple[Schema, ...] = ()
    headers: tuple[Schema, ...] = ()
    body: dict[str, Schema] = dataclasses.field(default_factory=dict)
    """Schema by media type."""
    body_is_required: bool = True
    parts: dict[str, str] = dataclasses.field(default_factory=dict)
    """Media type by the name of a part, in a form that has files."""
    answers: dict[int, Answer]
    errors: dict[int, str] = dataclasses.field(default_factory=dict)
    """Messages by status, beyond those that every endpoint may answer."""
    problems: Schema | None = None
    """Schema of the errors of fields in a 400."""
    refusal: str = INVALID_DATA
    """The message above errors of fields."""


def json(schema: Schema, about: str = "Done.", **headers: Schema) -> Answer:
    return Answer(about=about, content={JSON: schema}, headers=headers)


def done(about: str) -> dict[int, Answer]:
    return {204: Answer(about=about)}


def header(about: str, *, required: bool = True, **schema: Any) -> Schema:
    return {
        "description": about,
        "required": required,
        "schema": {"type": "string", **schema},
    }


def parameter(name: str, about: str, **more: Any) -> Schema:
    return {"name": name, "description": about, "schema": {"type": "string"}, **more}
