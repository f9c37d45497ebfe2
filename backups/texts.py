"""Sentences that are raised, stored and logged in English, and shown in any language.

What an operation says is written down by one process and read by people later,
each in a language of their own. So a sentence remembers what gettext needs: the
English template and what fills it.
"""

from collections.abc import Callable
from typing import Any, Self


def gettext_noop(message: str) -> str:
    """Mark a template, as ``_``, for those who gather what is to be translated."""
    return message


class Text(str):
    """An English sentence, made by ``%`` of a template and named parameters.

    Parameters are texts, numbers, or a ``Text`` that is part of the sentence.
    As what it is, a ``str``, it goes to logs, terminals and the API.
    """

    message: str
    params: dict[str, Any]

    def __new__(cls, message: str, **params: Any) -> Self:
        self = super().__new__(cls, message % params if params else message)
        self.message = message
        self.params = params
        return self

    def translated(self, gettext: Callable[[str], str]) -> str:
        """Return it with each template as *gettext* gives it."""
        template = gettext(self.message) if self.message else ""
        params = {
            name: value.translated(gettext) if isinstance(value, Text) else value
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
