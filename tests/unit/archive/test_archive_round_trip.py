"""What goes in comes out."""

import hashlib
import io
import os
import random
import tempfile
import zipfile
from pathlib import Path

import pytest
from handmade import (
    Bytes,
    Pipe,
    content_of,
    fill,
    media_sources,
    refuse_skip,
    write_tree,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from backups.archive import ArchiveReader, ArchiveWriter, Source, sort_key
from backups.archive.deflate import ISAL, ZLIB
from backups.exceptions import InvalidArchive

NOISE = random.Random(1).randbytes(4_300_000)
TEXT = b"".join(b"%d,some,row,of,text\n" % n for n in range(220_000))
CODECS = [ZLIB, pytest.param(ISAL, marks=pytest.mark.skipif(not ISAL, reason="isal"))]

parts = st.text(
    st.characters(exclude_characters="/\0\\", exclude_categories=["Cs"]),
    min_size=1,
    max_size=8,
).filter(lambda part: part not in (".", ".."))
files = st.dictionaries(
    st.lists(parts, min_size=1, max_size=3).map("/".join),
    st.one_of(st.none(), st.binary(max_size=400), st.just(TEXT), st.just(NOISE)),
    max_size=12,
)


def without_conflicts(content: dict[str, bytes | None]) -> dict[str, bytes | None]:
    kept: dict[str, bytes | None] = {}
    last: list[str] = []
    for name in sorted(content, key=sort_key):
        key = sort_key(name)
        if not last or key[: len(last)] != last:
            kept[name], last = content[name], key
    return kept


@settings(max_examples=60, deadline=None)
@given(files)
def test_it_gives_back_what_it_was_given(content):
    content = without_conflicts(content)
    with tempfile.TemporaryDirectory() as place:
        tree = fill(Path(place) / "tree", content.items())
        sink = Pipe()
        summary = write_tree(sink, tree)
        target = Path(place) / "target"
        target.mkdir()
        with ArchiveReader(sink.source) as reader:
            reader.extract_tree("media/", target)
        assert content_of(target) == content
        assert summary.count == len(content)
        assert summary.size == sink.source.size
        with zipfile.ZipFile(io.BytesIO(sink.source.data)) as other:
            assert other.testzip() is None


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("content", [TEXT, NOISE, NOISE + TEXT, b"", b"x", TEXT[:9000]])
def test_a_file_of_any_kind_survives_either_codec(tmp_path, codec, content):
    (tmp_path / "db").write_bytes(content)
    sink = Pipe()
    with ArchiveWriter(sink, codec=codec) as writer:
        writer.add_file("databases/default.dump", tmp_path / "db")
        writer.finish({})
    with ArchiveReader(sink.source) as reader:
        digest = hashlib.sha256(content).hexdigest()
        assert [member.sha256 for member in reader.members()] == [digest]
        reader.extract_member("databases/default.dump", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == content


def test_a_file_at_the_edge_of_a_block_survives(tmp_path):
    block = 1 << 20
    edges = (block, 4 * block, 5 * block)
    sizes = [edge + more for edge in edges for more in (-1, 0, 1)]
    tree = fill(tmp_path / "tree", ((str(n), (TEXT * 2)[:n]) for n in sizes))
    sink = Pipe()
    write_tree(sink, tree)
    with ArchiveReader(sink.source) as reader:
        reader.extract_tree("media/", fill(tmp_path / "out", ()))
    assert content_of(tmp_path / "out") == content_of(tree)


def test_it_stores_what_does_not_compress(tmp_path):
    tree = fill(tmp_path / "tree", [("a", NOISE[:300_000]), ("b", NOISE), ("c", TEXT)])
    sink = Pipe()
    summary = write_tree(sink, tree)
    a, b, c = ArchiveReader(sink.source).members()
    assert a.packed == a.size
    assert b.packed < b.size * 1.001
    assert c.packed < c.size / 3
    assert summary.bytes == a.size + b.size + c.size


def test_it_keeps_modes_and_times(tmp_path):
    tree = fill(tmp_path / "tree", [("a", b"x"), ("b", NOISE), ("c", None)])
    for position, name in enumerate("abc"):
        (tree / name).chmod(0o750 + position)
        os.utime(tree / name, ns=(0, 1_234_567_890_123_456_789 - position))
    sink = Pipe()
    write_tree(sink, tree)
    with ArchiveReader(sink.source) as reader:
        reader.extract_tree("media/", fill(tmp_path / "out", ()))
    for name in "abc":
        old, new = (tree / name).stat(), (tmp_path / "out" / name).stat()
        assert (old.st_mode, old.st_mtime_ns) == (new.st_mode, new.st_mtime_ns)


@pytest.mark.parametrize("mtime", [-(10**18), 0, 5 * 10**18])
def test_it_keeps_times_that_a_zip_cannot_tell(tmp_path, mtime):
    tree = fill(tmp_path / "tree", [("a", b"x")])
    os.utime(tree / "a", ns=(mtime, mtime))
    real = (tree / "a").stat().st_mtime_ns
    sink = Pipe()
    write_tree(sink, tree)
    with ArchiveReader(sink.source) as reader:
        assert [member.mtime_ns for member in reader.members()] == [real]


def test_it_keeps_names_that_are_not_utf8(tmp_path):
    tree = os.fsencode(fill(tmp_path / "tree", ()))
    names = [b"caf\xe9.txt", b"\xff\xfe", "é.txt".encode(), b"line\nbreak", b"a\\b"]
    for name in names:
        with open(tree + b"/" + name, "wb") as file:
            file.write(name)
    sink = Pipe()
    write_tree(sink, tmp_path / "tree")
    with ArchiveReader(sink.source) as reader:
        reader.extract_tree("media/", fill(tmp_path / "out", ()))
    assert sorted(os.listdir(os.fsencode(tmp_path / "out"))) == sorted(names)
    flags = {i.orig_filename: i.flag_bits for i in _infolist(sink.source.data)}
    assert flags["media/é.txt"] & 0x800
    assert sum(not bits & 0x800 for bits in flags.values()) == 2


def _infolist(data: bytes) -> list[zipfile.ZipInfo]:
    with zipfile.ZipFile(io.BytesIO(data)) as other:
        return other.infolist()


def test_an_empty_archive_is_an_archive():
    sink = Pipe()
    with ArchiveWriter(sink) as writer:
        summary = writer.finish({"note": "nothing here"})
    with ArchiveReader(sink.source) as reader:
        reader.verify()
        assert (reader.total_bytes, list(reader.members())) == (0, [])
        assert reader.manifest["note"] == "nothing here"
    assert summary.count == 0


def test_it_reads_once_for_several_destinations(tmp_path):
    tree = fill(tmp_path / "tree", [("a/x", b"1"), ("b/y", NOISE), ("c", b"3")])
    sink = Pipe()
    write_tree(sink, tree, tree / "c")
    places = {
        "databases/default.sqlite3": tmp_path / "one" / "db",
        "media/b/y": tmp_path / "two" / "deep" / "y",
    }
    done: list[int] = []
    with ArchiveReader(sink.source) as reader:
        reader.extract(places.get, progress=done.append)
        assert sum(done) == reader.total_bytes
    assert (tmp_path / "one" / "db").read_bytes() == b"3"
    assert (tmp_path / "two" / "deep" / "y").read_bytes() == NOISE
    assert not (tmp_path / "out").exists()


def test_it_reports_every_byte_that_is_written(tmp_path):
    tree = fill(tmp_path / "tree", [("a", b"x"), ("b", NOISE), ("c", TEXT)])
    done: list[int] = []
    summary = write_tree(Pipe(), tree, progress=done.append)
    assert sum(done) == summary.bytes


def test_it_extracts_one_member_only_to_a_new_file(tmp_path):
    tree = fill(tmp_path / "tree", [("a", NOISE)])
    sink = Pipe()
    write_tree(sink, tree)
    with ArchiveReader(sink.source) as reader:
        with pytest.raises(FileExistsError):
            reader.extract_member("media/a", tree / "a")
        with pytest.raises(InvalidArchive, match="lacks a member"):
            reader.extract_member("media/b", tmp_path / "b")
        reader.extract_member("media/a", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == NOISE == (tree / "a").read_bytes()


def test_it_opens_and_closes_a_path_by_itself(tmp_path):
    tree = fill(tmp_path / "tree", [("a", b"x")])
    with open(tmp_path / "site.zip", "wb") as file:
        write_tree(file, tree)
    with ArchiveReader(tmp_path / "site.zip") as reader:
        reader.verify()
    with pytest.raises(OSError):
        reader.verify()


def test_files_can_come_in_several_calls(tmp_path):
    tree = fill(tmp_path / "tree", [("a", b"1"), ("b", TEXT), ("c", None)])
    sink = Pipe()
    with ArchiveWriter(sink) as writer:
        for source in media_sources(tree)[:2]:
            writer.add_files([source], on_skip=refuse_skip)
        folder = Source("media/c", tree / "c", is_folder=True)
        writer.add_files([folder], on_skip=refuse_skip)
        writer.add_files([Source("media/d", tree / "a")], on_skip=refuse_skip)
        writer.finish({})
    names = [member.name for member in ArchiveReader(sink.source).members()]
    assert names == ["media/a", "media/b", "media/c/", "media/d"]


def test_a_source_may_be_anything_that_reads_at_an_offset(tmp_path):
    sink = Pipe()
    write_tree(sink, fill(tmp_path / "tree", [("a", NOISE)]))
    source = Bytes(sink.source.data)
    ArchiveReader(source).verify()
