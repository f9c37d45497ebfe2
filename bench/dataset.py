"""Makes the sites that are backed up: the same ones from the same seed."""

import contextlib
import json
import math
import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.database import fill_database
from bench.material import Prose, document, photo, record, table
from bench.site import Site

RECIPE = 1
"""To be raised whenever other content is made, so that nothing old is used."""
SEED = 20_260
FIRST_TIME = 1_735_689_600
MARK = "dataset.json"


@dataclass(frozen=True)
class Shape:
    """How large a site is."""

    database_bytes: int
    media_files: int
    media_bytes: int
    is_tiny: bool = False
    """Whether the files are small ones, all of about the same size."""

    def scaled(self, scale: float) -> "Shape":
        return Shape(
            max(int(self.database_bytes * scale), 1_000_000),
            max(int(self.media_files * scale), 4),
            max(int(self.media_bytes * scale), 40_000),
            self.is_tiny,
        )


SHAPES = {
    "s": Shape(100_000_000, 128, 100_000_000),
    "m": Shape(1_000_000_000, 1277, 1_000_000_000),
    "many": Shape(8_000_000, 200_000, 200_000 * 4096, is_tiny=True),
}


@dataclass(frozen=True)
class Dataset:
    """A site on the disk, at rest."""

    name: str
    site: Site
    files: int
    bytes: int

    @property
    def is_many(self) -> bool:
        return self.name.startswith("many")


def get_dataset(kind: str, scale: float, folder: Path) -> Dataset:
    """Return the site of that kind, made now unless it is there already."""
    name = kind if kind == "many" else f"site-{kind}"
    if scale != 1:
        name += f"@{scale:g}"
    site = Site(folder / name)
    shape = SHAPES[kind].scaled(scale)
    wanted = {"recipe": RECIPE, "seed": SEED, "shape": asdict(shape)}
    mark = site.folder / MARK
    known = json.loads(mark.read_text()) if mark.exists() else {}
    if known.get("made_of") != wanted or known["media"] != count_media(site.media):
        print(f"Making {name} …", flush=True)
        shutil.rmtree(site.folder, ignore_errors=True)
        make(site, shape)
        known = {"made_of": wanted, "media": count_media(site.media)}
        mark.write_text(json.dumps(known))
    files, size = known["media"]
    return Dataset(name, site, files + 1, size + site.database.stat().st_size)


def count_media(folder: Path) -> list[int]:
    """Return how many files there are and how many bytes they have."""
    count = size = 0
    for root, _, names in os.walk(folder):
        count += len(names)
        size += sum(os.stat(os.path.join(root, name)).st_size for name in names)
    return [count, size]


def make(site: Site, shape: Shape) -> None:
    prose = Prose(SEED)
    site.install()
    with contextlib.closing(sqlite3.connect(site.database)) as database:
        fill_database(database, shape.database_bytes, random.Random(SEED), prose)
    make_media(site.media, shape, prose)


def make_media(folder: Path, shape: Shape, prose: Prose) -> None:
    source = random.Random(f"media {SEED}")
    sizes = tiny_sizes if shape.is_tiny else mixed_sizes
    per_folder = 250 if shape.is_tiny else 25
    for number, size in enumerate(sizes(source, shape)):
        parent = folder / f"{number // per_folder:04}"
        if number % per_folder == 0:
            parent.mkdir(parents=True)
        ending, content = choose(number, shape)
        path = parent / f"{source.getrandbits(48):012x}{ending}"
        path.write_bytes(content(source, size, prose))
        os.utime(path, (FIRST_TIME + number * 60, FIRST_TIME + number * 60))


def tiny_sizes(source: random.Random, shape: Shape) -> Iterator[int]:
    average = shape.media_bytes // shape.media_files
    for _ in range(shape.media_files):
        yield source.randint(average // 4, average * 7 // 4)


def mixed_sizes(source: random.Random, shape: Shape) -> Iterator[int]:
    """Yield sizes that differ by a hundred times and have the sum that is wanted."""
    drawn = [
        math.exp(source.uniform(0, math.log(100))) for _ in range(shape.media_files)
    ]
    unit = shape.media_bytes / sum(drawn)
    yield from (max(int(size * unit), 1000) for size in drawn)


Content = Callable[[random.Random, int, Prose], bytes]


def choose(number: int, shape: Shape) -> tuple[str, Content]:
    """Return the kind of that file: of 20, 14 photos, 3 documents, 3 of text.

    Of tiny files, which are thumbnails and records, every second is a photo.
    """
    if shape.is_tiny:
        return (PHOTO, RECORD, PHOTO, TEXT)[number % 4]
    return (*(PHOTO,) * 14, *(DOCUMENT,) * 3, TABLE, TEXT, TABLE)[number % 20]


PHOTO: tuple[str, Content] = (".jpg", lambda source, size, _: photo(source, size))
DOCUMENT: tuple[str, Content] = (".pdf", document)
TABLE: tuple[str, Content] = (".csv", table)
TEXT: tuple[str, Content] = (
    ".txt",
    lambda source, size, prose: prose.text(source, size).encode(),
)
RECORD: tuple[str, Content] = (".json", record)
