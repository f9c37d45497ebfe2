"""Sentences that are raised, stored and logged in English, and shown in any language.

What an operation says is written down by one process and read by people later,
each in a language of their own. So a sentence is kept as gettext has it: the
English template, marked by ``gettext_noop``, and what fills it.
"""

from typing import Any, Self

from django.utils.translation import gettext


class Text:
    """A template and its parameters, which ``%`` puts together.

    ``str`` is English: for logs, terminals and the API. Parameters are texts,
    numbers, or a ``Text`` that is part of the sentence.
    """

    def __init__(self, message: str, **params: Any) -> None:
        self.message = message
        self.params = params

    def __str__(self) -> str:
        return self.message % self.params if self.params else self.message

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Text) and self.as_json() == other.as_json()

    def __hash__(self) -> int:
        return hash(str(self))

    def localized(self) -> str:
        """Return it in the language that is active."""
        template = gettext(self.message) if self.message else ""
        params = {
            name: value.localized() if isinstance(value, Text) else value
            for name, value in self.params.items()
        }
        return template % params if params else template

    def as_json(self) -> dict[str, Any]:
        """Return what ``from_json`` makes the same text of."""
        params = {
            name: value.as_json() if isinstance(value, Text) else value
            for name, value in self.params.items()
        }
        return {"message": self.message, "params": params}

    @classmethod
    def from_json(cls, stored: Any) -> Self:
        """Return the text that was stored; one without a template is as it is."""
        if not isinstance(stored, dict):
            return cls(str(stored))
        params = {
            name: cls.from_json(value) if isinstance(value, dict) else value
            for name, value in stored.get("params", {}).items()
        }
        return cls(stored.get("message", ""), **params)
