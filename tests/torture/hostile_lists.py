"""Lists of members that are not as they have to be."""

import random

from .hostile_parts import Crafted, Edit


def bent_lines(rng: random.Random, parts: Crafted) -> bytes:
    """A list of members that says it otherwise, or too much, or too little."""
    item = parts.pick(rng)
    words = (b"null", b"true", b"-1", b"1.0", b"1e3", b"NaN", b"Infinity", b'"1"')
    word = rng.choice((*words, b"[]", b"{}", b"9" * 25, b"9" * 5000, b"[" * 5000))
    edits: tuple[Edit, ...] = (
        lambda line: line.replace(b'"size":', b'"size":' + word, 1),
        lambda line: line.replace(b'"mode":', b'"mode":' + word + b',"mode":', 1),
        lambda line: replace_value(
            line, rng.choice((b"size", b"mtime_ns", b"mode")), word
        ),
        lambda line: line.replace(b'{"name":"', b'{"name":' + word + b',"x":"', 1),
        lambda line: line.replace(b"}", b',"block":65536,"blocks":' + word + b"}"),
        lambda line: line.replace(b",", b", ", 1),
        lambda line: line.upper(),
        lambda line: line.rstrip(b"\n"),
        lambda line: line + line,
        lambda line: b"",
        lambda line: b"\xef\xbb\xbf" + line,
        lambda line: line.decode().encode("utf-16"),
        lambda line: word + b"\n",
        lambda line: line[:-2] + b',"extra":1}\n',
        lambda line: b'{"name":"' + b"x" * rng.choice((5000, 5 << 20)) + line,
    )
    item.edit_line = rng.choice(edits)
    return parts.build()


def replace_value(line: bytes, key: bytes, value: bytes) -> bytes:
    head, mark, rest = line.partition(b'"' + key + b'":')
    end = min((n for n in (rest.find(b","), rest.find(b"}")) if n >= 0), default=0)
    return head + mark + value + rest[end:]


LISTS = {"bent lists": bent_lines}
