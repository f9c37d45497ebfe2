"""Manifests that lie, or are no manifests."""

import json
import math
import random
from typing import Any

from .hostile_parts import Crafted

NUMBERS = (0, -1, 1, 2, 2**31, 2**63, 2**64, -(2**70), 10**30, 10**4200, 1.5, 1e308)
WORDS = (
    "",
    "x",
    "\0",
    "\ud800",
    "sqlite",
    "postgresql",
    "../../etc/passwd",
    "/etc/passwd\n:x",
    "<script>alert(1)</script>",
    "\x1b[31m",
    "é" * 10,
    "1",
    "9" * 5000,
    "x" * 100_000,
)
NONSENSE = (
    None,
    True,
    False,
    *NUMBERS,
    math.inf,
    -math.inf,
    math.nan,
    *WORDS,
    [],
    [[]],
    [None],
    [1, 2, 3],
    ["ab", "cd"],
    [["a", "b"], ["a", "b"]],
    [["\ud800", "x"]],
    [["x" * 100_000, "y"]],
    {},
    {"": {}},
    {"a": 1},
    {"a": -1},
    {"\ud800": 1},
    {"x" * 100_000: {}},
    {"default": {}, "second": {}},
)

Path = list[Any]


def paths(value: Any, above: Path) -> list[Path]:
    """Return the way to every value inside *value*."""
    steps = (
        list(value)
        if isinstance(value, dict)
        else range(len(value))
        if isinstance(value, list)
        else []
    )
    found = [[*above, step] for step in steps]
    return found + [p for step in steps for p in paths(value[step], [*above, step])]


def shallow_first(rng: random.Random, found: list[Path]) -> Path:
    """Pick a path; each depth as likely as the others."""
    depth = rng.choice(sorted({len(path) for path in found}))
    return rng.choice([path for path in found if len(path) == depth])


def lying_manifests(rng: random.Random, parts: Crafted) -> bytes:
    """Replace, remove, rename or add one to three of the manifest's values."""

    def edit(text: bytes) -> bytes:
        document = json.loads(text)
        for _ in range(rng.choice((1, 1, 2, 3))):
            if found := paths(document, []):
                bend(rng, document, shallow_first(rng, found))
        return json.dumps(document).encode()

    parts.edit_manifest = edit
    return parts.build()


def bend(rng: random.Random, document: Any, path: Path) -> None:
    holder = document
    for step in path[:-1]:
        holder = holder[step]
    last, value = path[-1], rng.choice(NONSENSE)
    kind = rng.random()
    if kind < 0.7:
        holder[last] = value
    elif kind < 0.8:
        del holder[last]
    elif isinstance(holder, dict) and kind < 0.9:
        holder[rng.choice(WORDS)] = holder.pop(last)
    elif isinstance(holder, dict):
        holder[rng.choice(WORDS)] = value
    else:
        holder.append(value)


def off_by_some(rng: random.Random, parts: Crafted) -> bytes:
    """Numbers and names that could be true, and are not."""
    entry = rng.choice(list(parts.manifest["databases"].values()))
    table = rng.choice(list(entry["tables"]))
    kind = rng.randrange(9)
    if kind == 0:
        entry["tables"][table] += rng.choice((-1, 1, 10**9))
    elif kind == 1:
        entry["size"] = rng.choice((0, 1, entry["size"] + 1, -entry["size"], 2**70))
    elif kind == 2:
        entry["migrations"].append(
            ["site", rng.choice(("0099_x", "x" * 500, "\ud800"))]
        )
    elif kind == 3:
        entry["migrations"].append(entry["migrations"][0])
    elif kind == 4:
        entry["tables"][rng.choice(("x", "\ud800", "sqlite_master"))] = 0
    elif kind == 5:
        parts.totals["bytes"] = rng.choice((0, -1, 2**44, 2**44 + 1, 10**30))
    elif kind == 6:
        parts.totals["bytes"] = sum(e.member.size for e in parts.entries) - 1
    elif kind == 7:
        del entry["tables"][table]
    else:
        parts.manifest["databases"][rng.choice(WORDS)] = entry
    return parts.build()


def no_manifests(rng: random.Random, parts: Crafted) -> bytes:
    """Texts that are no JSON, another JSON, or JSON that parsers dislike."""
    texts: tuple[Any, ...] = (
        lambda text: b"",
        lambda text: b"[" * rng.choice((900, 100_000)),
        lambda text: b'{"a":' * 900 + b"1" + b"}" * 900,
        lambda text: deep(text, rng.choice((300, 900, 990, 5000))),
        lambda text: text.replace(b'"format": 1', b'"format": 2, "format": 1', 1),
        lambda text: text.replace(b'"format": 1', b'"format": 1, "format": 2', 1),
        lambda text: text.replace(b'"format": 1', rng.choice(FORMATS), 1),
        lambda text: text[:-1] + b',"databases":{}}',
        lambda text: text[:-1] + b',"media":null}',
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.decode().encode(rng.choice(("utf-16", "utf-32", "utf-7"))),
        lambda text: text + b" " * 100_000,
        lambda text: text + text,
        lambda text: text[: rng.randrange(len(text))],
        lambda text: b"[" + text + b"]",
        lambda text: b"\xff" + text[1:],
        lambda text: rng.randbytes(rng.randrange(200)),
        lambda text: text.replace(b"sqlite", b"sql\xffite"),
    )
    parts.edit_manifest = rng.choice(texts)
    return parts.build()


FORMATS = tuple(
    b'"format": ' + value
    for value in (
        b"0",
        b"-1",
        b"2",
        b"1.0",
        b"true",
        b"null",
        b'"1"',
        b"NaN",
        b"Infinity",
        b"1e999",
        b"[]",
        b"9" * 4000,
        b"9" * 5000,
    )
)


def deep(text: bytes, depth: int) -> bytes:
    """Add a value that is nested so deep that to show it may be too much."""
    nested = b"[" * depth + b"]" * depth
    return text[:-1] + b',"created":' + nested + b',"actor":' + nested + b"}"


MANIFEST = {
    "lying manifests": lying_manifests,
    "almost true manifests": off_by_some,
    "no manifests": no_manifests,
}
