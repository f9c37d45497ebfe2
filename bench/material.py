"""Content with the compressibility of what sites really hold, from a seed."""

import itertools
import json
import random

CONSONANTS = "bcdfghjklmnprstvwz"
VOWELS = "aeiou"
WORDS = 9000
SENTENCES = 30_000


class Prose:
    """Sentences of invented words, a few of which are very common.

    Made once, then picked at random: fast, and deflate takes it to about 45 %.
    """

    def __init__(self, seed: int) -> None:
        source = random.Random(f"prose {seed}")
        self.words = sorted({_word(source) for _ in range(WORDS)})
        source.shuffle(self.words)
        weights = (1 / (rank + 6) for rank in range(len(self.words)))
        sums = list(itertools.accumulate(weights))
        self.sentences = []
        for _ in range(SENTENCES):
            chosen = source.choices(
                self.words, cum_weights=sums, k=source.randint(1, 4)
            )
            self.sentences.append(" ".join(chosen) + source.choice(ENDINGS))
        self.average = sum(map(len, self.sentences)) / SENTENCES

    def text(self, source: random.Random, size: int) -> str:
        """Return about *size* characters, never more."""
        count = int(size / self.average) + 2
        return "".join(source.choices(self.sentences, k=count))[:size]

    def word(self, source: random.Random) -> str:
        return source.choice(self.words)


ENDINGS = (" ", " ", " ", " ", ", ", ", ", ". ", ".\n")


def _word(source: random.Random) -> str:
    syllables = source.choice((1, 2, 2, 3, 3, 4))
    pairs = (
        source.choice(CONSONANTS) + source.choice(VOWELS) for _ in range(syllables)
    )
    return "".join(pairs) + source.choice(("", "", "n", "s", "r"))


def photo(source: random.Random, size: int) -> bytes:
    """Return what deflate can't make smaller, with the marks of a JPEG."""
    head = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01" + bytes(range(128))
    scan = source.randbytes(size).replace(b"\xff", b"\xff\x00")
    return (head + scan)[: size - 2] + b"\xff\xd9"


def document(source: random.Random, size: int, prose: Prose) -> bytes:
    """Return what a PDF is to deflate: packed streams between plain objects."""
    parts, length = [b"%PDF-1.6\n"], 9
    while length < size:
        stream = source.randbytes(source.randint(3000, 30_000))
        plain = prose.text(source, source.randint(500, 5000)).encode()
        part = b"%d 0 obj\n<</Length %d>>\nstream\n%b\nendstream\n%b\n"
        parts.append(part % (len(parts), len(stream), stream, plain))
        length += len(parts[-1])
    return b"".join(parts)[:size]


def table(source: random.Random, size: int, prose: Prose) -> bytes:
    """Return lines of comma-separated values."""
    lines, length, number = ["number,day,item,amount,remark\n"], 30, 0
    while length < size:
        number += source.randint(1, 9)
        lines.append(
            f"{number},2025-{source.randint(1, 12):02}-{source.randint(1, 28):02},"
            f"{prose.word(source)},{source.randint(1, 99_999) / 100},"
            f"{source.choice(prose.sentences).strip()}\n"
        )
        length += len(lines[-1])
    return "".join(lines).encode()[:size]


def record(source: random.Random, size: int, prose: Prose) -> bytes:
    """Return one JSON object."""
    fields = {
        "reference": f"{source.getrandbits(96):024x}",
        "title": prose.word(source),
        "amount": source.random(),
        "text": prose.text(source, max(size - 110, 10)),
    }
    return json.dumps(fields).encode()
