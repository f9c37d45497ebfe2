"""From a seed to a mutant: always the same one."""

import random
from collections.abc import Callable
from typing import NamedTuple

from .hostile_blind import BLIND
from .hostile_databases import DATABASES
from .hostile_lists import LISTS
from .hostile_manifest import MANIFEST
from .hostile_names import NAMES
from .hostile_parts import Crafted
from .hostile_zip import ZIP

Mutator = Callable[[random.Random, Crafted], bytes]

STRUCTURED: dict[str, Mutator] = {
    **NAMES,
    **ZIP,
    **LISTS,
    **MANIFEST,
    **DATABASES,
}
FAMILIES = (*STRUCTURED, *BLIND)
RARE = ("giant directories", "zip bombs")
"""Families of which each mutant takes its time; a fifth of them is enough."""


class Mutant(NamedTuple):
    seed: int
    family: str
    base: str
    data: bytes


def make_mutant(seed: int, bases: dict[str, bytes]) -> Mutant:
    """Return the mutant of a seed; families and bases take turns."""
    rng = random.Random(seed)
    family = FAMILIES[seed % len(FAMILIES)]
    if family in RARE and rng.random() < 0.8 and seed >= 10 * len(FAMILIES):
        family = rng.choice([name for name in FAMILIES if name not in RARE])
    base = rng.choice(sorted(bases))
    if family in BLIND:
        other = bases[rng.choice(sorted(bases))]
        return Mutant(
            seed, family, base, rng.choice(BLIND[family])(rng, bases[base], other)
        )
    data = STRUCTURED[family](rng, Crafted.take_apart(bases[base]))
    return Mutant(seed, family, base, data)
