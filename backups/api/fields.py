"""The ``fields`` query parameter: which keys of an answer the client wants.

The grammar and its meaning are those of PocketBase v0.39.11, observed on the
wire. Where PocketBase answers a bad expression with 200 and an empty body,
this module raises FieldsError, so that the caller can answer 400.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from html.parser import HTMLParser
from typing import Any

Modifier = Callable[[Any], Any]
Rules = dict[str, Modifier]

QUOTES = "\"'`"
PAGE_KEYS = {"items", "page", "perPage", "totalItems", "totalPages"}
TRUE_WORDS = {"1", "t", "T", "true", "True", "TRUE"}
MODIFIER = re.compile(r"\s*(\w+)\s*\(([^()]*)\)\s*")
# Eighteen digits are more than any text has characters, and keep int() cheap.
LIMIT = re.compile(r"[0-9]{1,18}")

# fmt: off
HIDDEN_TAGS = frozenset({
    "applet", "button", "dialog", "form", "head", "iframe", "object", "option",
    "picture", "script", "select", "style", "svg", "template", "textarea",
})
NESTABLE_TAGS = frozenset({"applet", "dialog", "object", "picture", "svg", "template"})
# Any other tag stands between two blocks. "embed", "img" and "input" are here
# because they have no text of their own to hide.
INLINE_TAGS = frozenset({
    "a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em",
    "embed", "font", "i", "img", "input", "ins", "kbd", "mark", "q", "s", "samp",
    "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr",
})
# fmt: on
# html.parser takes quadratic time over broken markup: a minute for 60 KB. No
# string of this API comes near this length.
MOST_HTML = 10_000
# A no-break space is left alone: someone put it there on purpose.
WHITESPACE = re.compile(r"[ \t\n\f\r]+")


class FieldsError(ValueError):
    """The ``fields`` expression breaks the grammar; the message says where."""


def pick(data: Any, fields: str) -> Any:
    """Return the part of ``data`` that ``fields`` asks for.

    ``data`` is what JSON knows: mappings, lists or tuples, and scalars. It is
    never changed. An empty expression gives back ``data`` itself; any other
    gives a copy whose keys are in alphabetical order, as PocketBase does.
    """
    if not fields:
        return data
    rules = _parse(fields)
    if isinstance(data, Mapping) and data.keys() == PAGE_KEYS:
        return {**_sorted(data), "items": _pick_value(data["items"], rules)}
    return _pick_value(data, rules)


def _parse(fields: str) -> Rules:
    items = (item.strip() for item in _split(fields))
    return dict(_parse_item(item) for item in items if item)


def _parse_item(item: str) -> tuple[str, Modifier]:
    path, colon, modifier = item.partition(":")
    return path, _parse_modifier(modifier) if colon else _sorted


def _split(fields: str) -> Iterator[str]:
    """Cut at the commas that are outside parentheses and quotes."""
    start = depth = 0
    quote = previous = ""
    for position, char in enumerate(fields):
        if char in QUOTES and previous != "\\":
            quote = "" if quote == char else quote or char
        elif quote:
            pass
        elif char == ",":
            if not depth:
                yield fields[start:position]
                start = position + 1
        else:
            depth += (char == "(") - (char == ")")
        if depth < 0:
            break
        previous = char
    if depth or quote:
        raise FieldsError(f"Unbalanced parenthesis or quote in “{fields}”.")
    yield fields[start:]


def _parse_modifier(expression: str) -> Modifier:
    match = MODIFIER.fullmatch(expression)
    if not match or match[1] != "excerpt":
        raise FieldsError(f"“{expression}” is not a modifier; use excerpt(max).")
    arguments = match[2].replace(",", " ").split()
    if len(arguments) not in (1, 2):
        raise FieldsError(f"“{expression}” must have one or two arguments.")
    limit = int(arguments[0]) if LIMIT.fullmatch(arguments[0]) else 0
    if limit < 1:
        raise FieldsError(f"The maximum in “{expression}” must be 1 or more.")
    with_ellipsis = not TRUE_WORDS.isdisjoint(arguments[1:])
    return partial(excerpt, limit=limit, with_ellipsis=with_ellipsis)


def _sorted(value: Any) -> Any:
    """Copy ``value`` whole, with the keys of every mapping in order."""
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, (list, tuple)):
        return [_sorted(item) for item in value]
    return value


def _pick_value(value: Any, rules: Rules) -> Any:
    if rules and isinstance(value, Mapping):
        return _pick_mapping(value, rules)
    # Like PocketBase: the first item tells what kind of list it is.
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], Mapping):
        return [_pick_value(item, rules) for item in value]
    return _sorted(value)


def _pick_mapping(mapping: Mapping[str, Any], rules: Rules) -> dict[str, Any]:
    picked = {}
    for key in sorted(mapping):
        below = _rules_for(key, rules)
        if "" in below:
            picked[key] = below[""](mapping[key])
        elif below:
            picked[key] = _pick_value(mapping[key], below)
    return picked


def _rules_for(key: str, rules: Rules) -> Rules:
    """Return the rules that mention ``key``, by what follows it in the path.

    The rest "" means the key itself. The wildcard stands in only for a key
    that no other rule mentions.
    """
    prefix = f"{key}."
    below = {
        path.removeprefix(key).removeprefix("."): modifier
        for path, modifier in rules.items()
        if path == key or path.startswith(prefix)
    }
    if not below and "*" in rules:
        return {"": rules["*"]}
    return below


def excerpt(value: Any, *, limit: int, with_ellipsis: bool) -> Any:
    """Return the first ``limit`` characters of the visible text of HTML.

    Anything but a string comes back in full. Of a string, only the first
    MOST_HTML characters are read.
    """
    if not isinstance(value, str):
        return _sorted(value)
    text = _visible_text(value)
    if len(text) <= limit:
        return text
    return text[:limit].strip() + ("..." if with_ellipsis else "")


def _visible_text(html: str) -> str:
    parser = _TextParser()
    parser.feed(html[:MOST_HTML])
    parser.close()
    return WHITESPACE.sub(" ", "".join(parser.texts)).strip()


class _TextParser(HTMLParser):
    """Collects the text that a reader of the page would see.

    Only the outermost hidden element is tracked: whatever is inside it is
    hidden as well, and its own end tag ends it.
    """

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self._hidden_by = ""
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._hidden_by == "head" and tag == "body":
            self._hidden_by = ""
        if self._hidden_by:
            self._depth += tag == self._hidden_by and tag in NESTABLE_TAGS
        elif tag in HIDDEN_TAGS:
            self._hidden_by, self._depth = tag, 1
        self._separate(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # HTML ignores the closing slash, except in SVG.
        if tag != "svg":
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag == self._hidden_by:
            self._depth -= 1
            if not self._depth:
                self._hidden_by = ""
        self._separate(tag)

    def handle_data(self, data: str) -> None:
        if not self._hidden_by:
            self.texts.append(data)

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        # The inherited method raises AssertionError for "<![x". HTML reads
        # that, and CDATA too, as a comment up to the next ">".
        return self.parse_bogus_comment(i)

    def _separate(self, tag: str) -> None:
        if not self._hidden_by and tag not in INLINE_TAGS and tag not in HIDDEN_TAGS:
            self.texts.append(" ")
