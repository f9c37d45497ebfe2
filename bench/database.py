"""Fills the database of a site with the rows of a shop, up to a wanted size."""

import datetime
import json
import random
import sqlite3
from typing import Any

from bench.material import Prose, photo

TABLES = """
CREATE TABLE shop_product (
    id INTEGER PRIMARY KEY, sku TEXT NOT NULL, name TEXT NOT NULL,
    description TEXT NOT NULL, attributes TEXT NOT NULL, cents INTEGER NOT NULL,
    stock INTEGER NOT NULL, weight REAL, changed TEXT NOT NULL
);
CREATE TABLE shop_order (
    id INTEGER PRIMARY KEY, number TEXT NOT NULL, email TEXT NOT NULL,
    placed TEXT NOT NULL, state TEXT NOT NULL, address TEXT NOT NULL
);
CREATE TABLE shop_line (
    id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL, product_id INTEGER NOT NULL,
    quantity INTEGER NOT NULL, cents INTEGER NOT NULL
);
CREATE TABLE shop_review (
    id INTEGER PRIMARY KEY, product_id INTEGER NOT NULL, stars INTEGER NOT NULL,
    body TEXT NOT NULL, written TEXT NOT NULL
);
CREATE TABLE shop_icon (
    id INTEGER PRIMARY KEY, product_id INTEGER NOT NULL, image BLOB NOT NULL
);
"""
INDEXES = """
CREATE INDEX shop_product_sku ON shop_product (sku);
CREATE INDEX shop_line_order ON shop_line (order_id);
CREATE INDEX shop_line_product ON shop_line (product_id);
CREATE INDEX shop_review_product ON shop_review (product_id);
CREATE INDEX shop_order_email ON shop_order (email);
"""
STATES = ("paid", "sent", "sent", "sent", "returned", "new")
INDEX_SHARE = 0.05
YEAR_2025 = 1_735_689_600
Row = tuple[Any, ...]


def fill_database(
    database: sqlite3.Connection, size: int, source: random.Random, prose: Prose
) -> None:
    """Add rows until the file has about *size* bytes; leave it in WAL mode."""
    database.isolation_level = None
    # Nothing but a crash could harm it, and then it is made anew.
    database.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;" + TABLES)
    page = pragma(database, "page_size")
    last: int = 0
    while pragma(database, "page_count") * page < size * (1 - INDEX_SHARE):
        database.execute("BEGIN")
        last = add_products(database, last, source, prose)
        database.execute("COMMIT")
    # A site that lives has free pages.
    database.execute("DELETE FROM shop_review WHERE id % 89 = 0")
    database.executescript(INDEXES + "PRAGMA journal_mode=WAL;")


def pragma(database: sqlite3.Connection, name: str) -> int:
    value: int = database.execute(f"PRAGMA {name}").fetchone()[0]
    return value


def add_products(
    database: sqlite3.Connection, last: int, source: random.Random, prose: Prose
) -> int:
    """Add 200 products with all that belongs to them; return the last id."""
    ids = range(last + 1, last + 201)
    insert(database, "shop_product", [product(number, source, prose) for number in ids])
    insert(database, "shop_review", reviews(ids, source, prose))
    insert(database, "shop_icon", icons(ids, source))
    orders = range(3 * last + 1, 3 * last + 601)
    insert(database, "shop_order", [order(number, source, prose) for number in orders])
    insert(database, "shop_line", lines(orders, ids, source))
    return ids[-1]


def insert(database: sqlite3.Connection, name: str, rows: list[Row]) -> None:
    marks = ", ".join("?" * len(rows[0]))
    database.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)


def product(number: int, source: random.Random, prose: Prose) -> Row:
    attributes = {
        "colours": source.sample(prose.words[:200], 3),
        "size": {"w": source.randint(1, 900), "h": source.randint(1, 900)},
        "supplier": prose.word(source),
        "checksum": f"{source.getrandbits(128):032x}",
        "tags": source.choices(prose.words[:500], k=source.randint(0, 8)),
        "fragile": source.random() < 0.2,
    }
    return (
        number,
        f"{prose.word(source)}-{number:07}",
        prose.text(source, 60),
        prose.text(source, int(source.paretovariate(1.6) * 900) % 40_000),
        json.dumps(attributes),
        source.randint(100, 100_000),
        source.randint(0, 500),
        source.random() * 20,
        moment(source),
    )


def reviews(ids: range, source: random.Random, prose: Prose) -> list[Row]:
    return [
        (
            None,
            source.choice(ids),
            source.randint(1, 5),
            prose.text(source, source.randint(30, 900)),
            moment(source),
        )
        for _ in range(4 * len(ids))
    ]


def icons(ids: range, source: random.Random) -> list[Row]:
    """Return an image for every sixth product."""
    return [
        (None, product, photo(source, source.randint(2000, 9000)))
        for product in ids
        if product % 6 == 0
    ]


def order(number: int, source: random.Random, prose: Prose) -> Row:
    address = {
        "name": f"{prose.word(source)} {prose.word(source)}".title(),
        "street": f"{prose.word(source).title()} {source.randint(1, 200)}",
        "code": f"{source.randint(0, 99_999):05}",
    }
    email = f"{prose.word(source)}{source.randint(1, 9999)}@example.com"
    reference = f"{source.getrandbits(64):016x}"
    state = source.choice(STATES)
    return number, reference, email, moment(source), state, json.dumps(address)


def lines(orders: range, ids: range, source: random.Random) -> list[Row]:
    return [
        (None, order, source.choice(ids), source.randint(1, 5), source.randint(1, 9999))
        for order in orders
        for _ in range(source.randint(1, 5))
    ]


def moment(source: random.Random) -> str:
    """Return a moment of the year 2025, as Django stores it."""
    seconds = YEAR_2025 + source.random() * 365 * 86_400
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(" ")[:26]
