"""The small parts that the archive stands on."""

import importlib
import os
import random
import sys
import zlib

import pytest
from handmade import fill

from backups import durability
from backups.archive import deflate, inflate, names, sort_key, sync_tree
from backups.archive.conveyor import Conveyor
from backups.archive.deflate import ISAL, ZLIB

TEXT = b"a line of text that repeats; " * 10_000
NOISE = os.urandom(300_000)


def test_it_works_without_isal(monkeypatch):
    monkeypatch.setitem(sys.modules, "isal", None)
    try:
        plain = importlib.reload(deflate)
        assert plain.ISAL is None
        assert plain.BEST.module is zlib
        assert zlib.decompress(plain.BEST.shrink(TEXT), -15) == TEXT
    finally:
        monkeypatch.undo()
        importlib.reload(deflate)


@pytest.mark.parametrize("codec", [c for c in (deflate.ZLIB, deflate.ISAL) if c])
@pytest.mark.parametrize("data", [b"", b"x", TEXT, NOISE, NOISE + TEXT, bytes(1 << 20)])
def test_blocks_join_to_one_stream(codec, data):
    blocks = [codec.block(data), codec.block(data[::-1])]
    assert all(block.endswith(deflate.SYNC_MARK) for block in blocks)
    joined = b"".join(blocks) + deflate.END_OF_STREAM
    assert zlib.decompress(joined, -15) == data + data[::-1]
    assert len(joined) < 2 * len(data) * 1.001 + 50


def test_it_does_not_compress_noise():
    assert deflate.BEST.shrink(NOISE) is None
    assert deflate.BEST.shrink(NOISE[:5000]) is None


def test_work_is_delivered_in_order_and_in_one_thread():
    belt, seen = Conveyor(threads=3, depth=5), []
    for number in range(100):
        belt.put(seen.append, pow, number, 2)
        if number % 10 == 0:
            belt.then(lambda n=number: seen.append(f"after {n}"))
    belt.drain()
    belt.close()
    assert [n for n in seen if isinstance(n, int)] == [n * n for n in range(100)]
    assert seen.index("after 50") == seen.index(2500) + 1


def test_an_error_at_work_is_raised_in_its_place():
    belt, seen = Conveyor(threads=2, depth=4), []
    with pytest.raises(ValueError, match="one"):
        for text in ("1", "one", "2"):
            belt.put(seen.append, int, text)
        belt.drain()
    belt.close()
    assert seen == [1]


@pytest.mark.parametrize("syncfs", [None, lambda _: -1, lambda _: 0])
def test_a_tree_is_synced_with_or_without_help(tmp_path, monkeypatch, syncfs):
    fill(tmp_path / "tree", [("a/b", b"x"), ("c", b"y"), ("d", None)])
    monkeypatch.setattr(durability, "_find_syncfs", lambda: syncfs)
    synced = []
    monkeypatch.setattr(durability.os, "fsync", synced.append)
    sync_tree(tmp_path / "tree")
    helped = syncfs is not None and syncfs(0) == 0
    assert len(synced) == (0 if helped else 5)


def test_a_tree_that_is_not_there_cannot_be_synced(tmp_path):
    with pytest.raises(FileNotFoundError):
        sync_tree(tmp_path / "no")


def test_names_sort_by_their_parts():
    given = ["media/a.txt", "media/a/z", "media/b/", "media/a/b/c", "media/a-b"]
    assert sorted(given, key=sort_key) == [
        "media/a/b/c",
        "media/a/z",
        "media/a-b",
        "media/a.txt",
        "media/b/",
    ]


def test_a_windows_reader_refuses_what_would_be_a_path_there(monkeypatch):
    monkeypatch.setattr(names.os, "name", "nt")
    for name in ("media/a\\b", "media/C:evil"):
        with pytest.raises(ValueError, match=r"backslashes|drive"):
            names.NameOrder().admit(name)


# Whatever makes a name odd, beside names and folders that are plain.
ODD_NAMES = [
    *(
        "media/" + leaf
        for leaf in ("a", "a/b", "a/b/", "a/b.txt", "a/", "a ", "a.b", "b")
    ),
    *(
        "media/" + leaf
        for leaf in ("-", ".", "..", ".a", "/a", "a//b", "a\\..\\b", "a:b")
    ),
    *("media/" + leaf for leaf in ("", "a\0", "é", "\udcc3\udca9", "\ud800", "~", "A")),
    *(
        "databases/a",
        "databases/b",
        "databases/a/b",
        "databases/b/",
        "elsewhere/a",
        "a",
    ),
    *("media/" + "a" * 4090, "media/" + "a" * 4091, "media/" + "a/" * 255 + "a"),
    *("media/é/a", "media/é/b", "media/é/" + "b" * 4087, "media/é/" + "b" * 4088),
]


def test_names_are_admitted_beside_their_neighbours_as_they_are_alone(monkeypatch):
    chance = random.Random(3)
    runs = [chance.choices(ODD_NAMES, k=3) for _ in range(20_000)]
    runs += [sorted(run, key=names.sort_key) for run in runs]
    fast = list(map(admitted, runs))
    monkeypatch.setattr(names, "_is_plain", lambda *_: False)
    slow = list(map(admitted, runs))
    assert fast == slow
    assert len({str(outcome[-1]) for outcome in slow}) > 8


def admitted(run: list[str]) -> list[str | None]:
    """Return what was wrong with each name; what is refused is passed over."""
    order, outcomes = names.NameOrder(), []
    for name in run:
        try:
            order.admit(name)
            outcomes.append(None)
        except ValueError as error:
            outcomes.append(str(error))
    return outcomes


def inflated(function, data, size):
    """Return what comes out of damaged data, or that it is refused."""
    try:
        return function(data, size)
    except ValueError:
        return "refused"


@pytest.mark.skipif(ISAL is None, reason="ISA-L is not installed")
def test_isal_makes_of_damaged_data_nothing_that_zlib_does_not(monkeypatch):
    chance = random.Random(11)
    text = bytes(chance.choices(b"abcdefgh \n", k=6000))
    blocks = [ISAL.block(text), ZLIB.block(text), ISAL.block(text + NOISE[:900])]
    streams = [ISAL.shrink(text), ZLIB.shrink(text)]
    outcomes = set()
    for _ in range(4000):
        function, samples = chance.choice(
            [(inflate.inflate_block, blocks), (inflate.inflate_whole, streams)]
        )
        data = bytearray(chance.choice(samples))
        for _ in range(chance.randint(0, 2)):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        if chance.random() < 0.3:
            del data[chance.randrange(len(data)) :]
        size = chance.choice([0, 5999, 6000, 6000, 6000, 6900])
        monkeypatch.setattr(inflate, "BEST", ISAL)
        ours = inflated(function, bytes(data), size)
        monkeypatch.setattr(inflate, "BEST", ZLIB)
        theirs = inflated(function, bytes(data), size)
        outcomes.add((ours == "refused", theirs == "refused"))
        assert ours in (theirs, "refused")
    assert {(True, True), (False, False)} <= outcomes
