"""Live files that misbehave, names that are refused, sinks that fail."""

import errno
import os
import tempfile
import threading
import time

import pytest
from handmade import Pipe, fill, media_sources, refuse_skip, write_tree

from backups.archive import (
    ArchiveReader,
    ArchiveWriter,
    Source,
    layout,
    sources,
    writer,
)
from backups.archive.member import BLOCK
from backups.exceptions import InvalidArchive, SnapshotFailed

LARGE = b"0123456789abcdef" * 300_000


def archive(entries, **options):
    """Write sources; return the members and what was skipped."""
    sink, skipped = Pipe(), {}
    with ArchiveWriter(sink, **options) as writer:
        writer.add_files(entries, on_skip=skipped.__setitem__)
        writer.finish({})
    reader = ArchiveReader(sink.source)
    reader.verify()
    return {member.name: member for member in reader.members()}, skipped


def test_it_skips_what_vanished_and_says_so(tmp_path):
    (tmp_path / "b").write_bytes(b"b")
    entries = [
        Source("media/a", tmp_path / "a"),
        Source("media/b", tmp_path / "b"),
        Source("media/b2", tmp_path / "b" / "below a file"),
        Source("media/c", tmp_path / "c", is_folder=True),
        Source("media/d", tmp_path / "d"),
    ]
    members, skipped = archive(entries)
    assert list(members) == ["media/b"]
    assert set(skipped) == {"media/a", "media/b2", "media/c", "media/d"}
    assert set(skipped.values()) == {"vanished"}


def test_it_skips_what_is_no_regular_file_without_hanging(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    os.symlink("loop", tmp_path / "loop")
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"x")
    entries = [
        Source("media/folder", tmp_path / "folder"),
        Source("media/loop", tmp_path / "loop"),
        Source("media/pipe", tmp_path / "pipe"),
        Source("media/pipe2", tmp_path / "pipe"),
        Source("media/was a folder", tmp_path / "file", is_folder=True),
    ]
    members, skipped = archive(entries)
    assert not members
    assert skipped.pop("media/was a folder") == "not a folder"
    assert set(skipped.values()) == {"not a regular file"}
    assert len(skipped) == 4


def test_it_follows_a_link_to_a_file(tmp_path):
    (tmp_path / "real").write_bytes(b"real")
    os.symlink("real", tmp_path / "link")
    members, _ = archive([Source("media/link", tmp_path / "link")])
    assert members["media/link"].size == 4


@pytest.mark.parametrize("size", [10, len(LARGE)])
def test_it_fails_on_what_it_may_not_read(tmp_path, monkeypatch, size):
    (tmp_path / "a").write_bytes(LARGE[:size])

    def refuse(*_):
        raise PermissionError(errno.EACCES, "no")

    monkeypatch.setattr(sources.os, "open", refuse)
    with pytest.raises(PermissionError), ArchiveWriter(Pipe()) as writer:
        writer.add_files([Source("media/a", tmp_path / "a")], on_skip=refuse_skip)


@pytest.mark.parametrize("size", [10, len(LARGE)])
def test_it_fails_on_a_disk_error(tmp_path, monkeypatch, size):
    (tmp_path / "a").write_bytes(LARGE[:size])

    def fail(*_):
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(sources.os, "pread", fail)
    with pytest.raises(OSError, match="broken"), ArchiveWriter(Pipe()) as writer:
        writer.add_file("media/a", tmp_path / "a")


def test_one_file_that_is_missing_is_an_error(tmp_path):
    with ArchiveWriter(Pipe()) as writer:
        with pytest.raises(FileNotFoundError):
            writer.add_file("databases/default.db", tmp_path / "no")
        with pytest.raises(OSError, match="not a regular file"):
            writer.add_file("databases/other.db", tmp_path)


def change_between(monkeypatch, path, *contents):
    """Give the file another content before each of its next reads."""
    read, waiting = sources.read_block, list(contents)

    def read_after_change(descriptor, size, offset):
        if waiting:
            path.write_bytes(waiting.pop(0))
        return read(descriptor, size, offset)

    monkeypatch.setattr(sources, "read_block", read_after_change)
    monkeypatch.setattr("backups.archive.writer.read_block", read_after_change)


def test_a_small_file_that_shrinks_is_read_again(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_bytes(b"x" * 1000)
    change_between(monkeypatch, path, b"y" * 500)
    members, _ = archive([Source("media/a", path)])
    assert members["media/a"].size == 500


def test_a_small_file_that_keeps_shrinking_is_taken_as_it_is(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_bytes(b"x" * 1000)
    change_between(monkeypatch, path, *(b"y" * n for n in (900, 800, 700, 600)))
    members, _ = archive([Source("media/a", path)])
    assert members["media/a"].size == 700


@pytest.mark.parametrize("size", [1000, 2_000_000, len(LARGE)])
def test_a_file_that_grows_is_read_as_far_as_it_was(tmp_path, monkeypatch, size):
    path = tmp_path / "a"
    path.write_bytes(b"x" * size)
    change_between(monkeypatch, path, b"y" * (size + 3_000_000))
    members, _ = archive([Source("media/a", path)])
    assert members["media/a"].size == size


@pytest.mark.parametrize("left", [0, 100, 1 << 20, (1 << 20) + 5])
def test_a_large_file_that_shrinks_is_recorded_as_it_was_read(
    tmp_path, monkeypatch, left
):
    path = tmp_path / "a"
    path.write_bytes(LARGE)
    change_between(monkeypatch, path, LARGE, LARGE[:left])
    members, _ = archive([Source("media/a", path), Source("media/b", path)])
    # The first block was read before the file shrank.
    assert members["media/a"].size == max(left, 1 << 20)
    assert members["media/b"].size == left


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("/media/a", "not a plain relative path"),
        ("media/../a", "not a plain relative path"),
        ("media/./a", "not a plain relative path"),
        ("media//a", "not a plain relative path"),
        ("media/a\0b", "NUL"),
        ("media", "neither a database nor a media file"),
        ("other/a", "neither a database nor a media file"),
        ("", "neither a database nor a media file"),
        ("databases/a/b", "not the name of a database"),
        ("media/..\\..\\a", "backslashes"),
        ("media/" + "a" * 4096, "too long"),
        ("media/" + "é" * 2048, "too long"),
        ("media/\ud800", "not a name that a file can have"),
        ("media/\udcc3\udca9", "not a name that a file can have"),
    ],
)
def test_it_refuses_an_unsafe_name(tmp_path, name, reason):
    (tmp_path / "a").write_bytes(b"a")
    with ArchiveWriter(Pipe()) as writer:
        with pytest.raises(ValueError, match=reason):
            writer.add_file(name, tmp_path / "a")
        with pytest.raises(ValueError, match=reason):
            writer.add_files([Source(name, tmp_path / "a")], on_skip=refuse_skip)


def test_it_refuses_a_file_that_is_named_like_a_folder(tmp_path):
    (tmp_path / "a").write_bytes(b"a")
    with ArchiveWriter(Pipe()) as writer, pytest.raises(ValueError, match="folder"):
        writer.add_file("media/a/", tmp_path / "a")


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ("media/b", "media/a", "out of order"),
        ("media/a.txt", "media/a/z", "out of order"),
        ("media/a", "media/a", "appears twice"),
        ("media/a", "media/a/b", "lies inside another member"),
    ],
)
def test_it_refuses_names_that_do_not_ascend(tmp_path, first, second, reason):
    (tmp_path / "a").write_bytes(b"a")
    with ArchiveWriter(Pipe()) as writer:
        writer.add_file(first, tmp_path / "a")
        with pytest.raises(ValueError, match=reason):
            writer.add_file(second, tmp_path / "a")


@pytest.mark.parametrize("key", ["format", "members"])
def test_it_keeps_its_own_manifest_keys(key):
    with ArchiveWriter(Pipe()) as writer, pytest.raises(ValueError, match="own keys"):
        writer.finish({key: 1})


def test_it_refuses_a_manifest_that_no_reader_takes():
    with ArchiveWriter(Pipe()) as writer, pytest.raises(ValueError, match="too large"):
        writer.finish({"rows": "x" * (4 << 20)})


def test_it_stops_its_threads_when_the_sink_fails(tmp_path):
    tree = fill(tmp_path / "tree", ((f"{n:04}", LARGE) for n in range(5)))
    before = threading.active_count()

    class Full:
        def write(self, data):
            raise OSError(errno.ENOSPC, "full")

    with pytest.raises(OSError, match="full"):
        write_tree(Full(), tree)
    assert threading.active_count() == before


def test_progress_is_told_in_one_thread_and_the_sink_used_by_one_at_a_time(tmp_path):
    tree = fill(
        tmp_path / "tree", ((f"{n:04}", LARGE[: n * 15000]) for n in range(300))
    )
    threads = set()
    in_use = threading.Lock()
    parts = []

    class Sink(Pipe):
        def write(self, data):
            assert in_use.acquire(blocking=False)
            time.sleep(0.0002)
            parts.append(len(data))
            in_use.release()

    write_tree(Sink(), tree, progress=lambda _: threads.add(threading.get_ident()))
    assert threads == {threading.get_ident()}
    assert len(parts) > 200


def test_an_archive_without_its_end_is_refused(tmp_path):
    sink = Pipe()
    with ArchiveWriter(sink) as writer:
        writer.add_files(
            media_sources(fill(tmp_path / "tree", [("a", b"x")])), on_skip=refuse_skip
        )
    with pytest.raises(InvalidArchive, match="cut short"):
        ArchiveReader(sink.source)


def test_a_file_that_may_reach_4_gib_gets_wide_sizes(tmp_path, monkeypatch):
    monkeypatch.setattr(layout, "_WIDE_FROM", 4_500_000)
    tree = fill(tmp_path / "tree", [("a", LARGE), ("b", LARGE[:4_300_000])])
    members, _ = archive(media_sources(tree))
    assert [member.wide for member in members.values()] == [True, False]


def test_more_blocks_than_are_listed_are_read_as_a_stream(tmp_path, monkeypatch):
    monkeypatch.setattr("backups.archive.outgoing.MAX_BLOCKS", 5)
    tree = fill(tmp_path / "tree", [("a", LARGE + LARGE), ("b", LARGE)])
    members, _ = archive(media_sources(tree))
    assert [len(member.blocks) for member in members.values()] == [0, 5]


def test_the_index_spills_to_the_folder_it_is_given(tmp_path, monkeypatch):
    folders = []
    real = tempfile.TemporaryFile

    def record(*args, **options):
        folders.append(options["dir"])
        return real(*args, **options)

    monkeypatch.setattr("backups.archive.outgoing._SPOOL_IN_MEMORY", 1000)
    monkeypatch.setattr(tempfile, "TemporaryFile", record)
    tree = fill(tmp_path / "tree", ((f"{n:04}", b"x") for n in range(300)))
    spool = fill(tmp_path / "spool", ())
    members, _ = archive(media_sources(tree), spool_dir=spool)
    assert len(members) == 300
    assert folders == [str(spool)] * 2
    assert not list(spool.iterdir())


def test_a_time_that_no_reader_takes_is_the_latest_that_one_takes(tmp_path):
    for name, content in (("a", b"x"), ("b", b"x" * 5_000_000), ("c", None)):
        tree = fill(tmp_path / "tree", [(name, content)])
        os.utime(tree / name, (10**10, 10**10))
    write_tree(sink := Pipe(), tree)
    with ArchiveReader(sink.source) as reader:
        times = [member.mtime_ns for member in reader.members()]
    if (tree / "a").stat().st_mtime_ns >= 1 << 63:  # Else the disk can't tell it.
        assert times == [(1 << 63) - 1] * 3


def test_a_large_file_that_shrinks_and_grows_again_ends_where_it_was_short(
    tmp_path, monkeypatch
):
    content = os.urandom(BLOCK // 2) * 12
    tree = fill(tmp_path / "tree", [("a", content)])
    real = writer.read_block

    def read_block(descriptor, size, offset):
        short = 1000 if offset == 2 * BLOCK else size
        return real(descriptor, short, offset)

    monkeypatch.setattr(writer, "read_block", read_block)
    write_tree(sink := Pipe(), tree)
    with ArchiveReader(sink.source) as reader:
        reader.verify()
        assert [member.size for member in reader.members()] == [2 * BLOCK + 1000]


def test_more_than_a_reader_takes_is_not_written(tmp_path, monkeypatch):
    tree = fill(tmp_path / "tree", [("a", b"x"), ("b", b"x")])
    monkeypatch.setattr(writer.Limits, "max_members", 1)
    with pytest.raises(SnapshotFailed, match="more than one archive"):
        write_tree(Pipe(), tree)
