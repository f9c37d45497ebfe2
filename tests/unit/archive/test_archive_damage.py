"""Archives that broke: no damage goes unnoticed."""

import errno
import io
import random
import zipfile

import pytest
from handmade import Archive, Bytes, Pipe, entry, fill, verify, write_tree

from backups.archive import ArchiveReader, FileSource, Member, unpacking
from backups.archive.member import DEFLATED
from backups.exceptions import InvalidArchive

SMALL = Archive(
    [
        entry("databases/default.sqlite3", b"abc" * 100, method=DEFLATED),
        entry("media/a.txt"),
        entry("media/ü/", b""),
    ]
).build()


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> bytes:
    place = tmp_path_factory.mktemp("large")
    content = [
        ("noise", random.Random(2).randbytes(2_500_000)),
        ("text", b"some text, and more of it; " * 120_000),
        *((f"small/{n:03}", b"%d" % n * n) for n in range(200)),
    ]
    sink = Pipe()
    write_tree(sink, fill(place / "tree", content))
    return sink.source.data


@pytest.mark.parametrize("start", range(0, len(SMALL), 64))
def test_a_flipped_bit_is_found_wherever_it_is(start):
    for position in range(start, min(start + 64, len(SMALL))):
        for bit in (0, 3, 7):
            bent = bytearray(SMALL)
            bent[position] ^= 1 << bit
            assert is_found(bytes(bent))


def is_found(bent: bytes) -> bool:
    """Tell whether damage is found, or is in bits that no content hangs on.

    Those are the ones that fill the last byte of a deflate stream.
    """
    try:
        verify(bent, threads=1)
    except InvalidArchive:
        return True
    with (
        zipfile.ZipFile(io.BytesIO(SMALL)) as old,
        zipfile.ZipFile(io.BytesIO(bent)) as new,
    ):
        return all(old.read(name) == new.read(name) for name in old.namelist())


def test_an_archive_that_was_cut_is_found_wherever_it_was():
    for length in range(0, len(SMALL), 3):
        with pytest.raises(InvalidArchive):
            verify(SMALL[:length], threads=1)


def test_a_byte_that_is_lost_or_added_is_found():
    for position in range(0, len(SMALL), 7):
        for bent in (
            SMALL[:position] + SMALL[position + 1 :],
            SMALL[:position] + b"\0" + SMALL[position:],
        ):
            with pytest.raises(InvalidArchive):
                verify(bent, threads=1)


@pytest.mark.parametrize("seed", range(40))
def test_damage_in_large_members_is_found(large, tmp_path, seed):
    dice = random.Random(seed)
    bent = bytearray(large)
    position = dice.randrange(len(bent))
    bent[position] ^= dice.randrange(1, 256)
    with pytest.raises(InvalidArchive):
        ArchiveReader(Bytes(bytes(bent))).extract(lambda name: tmp_path / name)


@pytest.mark.parametrize("seed", range(10))
def test_a_swapped_stretch_is_found(large, seed):
    dice = random.Random(seed)
    a, b = sorted(dice.sample(range(len(large) - 600), 2))
    bent = bytearray(large)
    bent[a : a + 500], bent[b : b + 500] = large[b : b + 500], large[a : a + 500]
    if bytes(bent) != large:
        with pytest.raises(InvalidArchive):
            verify(bytes(bent))


def test_the_undamaged_one_is_sound(large):
    verify(large)
    verify(SMALL)


def test_an_archive_that_shrinks_while_it_is_read_is_found(large):
    source = Bytes(large)
    reader = ArchiveReader(source)
    source.data = large[: len(large) // 2]
    with pytest.raises(InvalidArchive, match="cut short"):
        reader.verify()


def test_a_disk_that_is_full_is_not_the_archives_fault(large, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(unpacking.os, "write", fail)
    with pytest.raises(OSError, match="full"):
        ArchiveReader(Bytes(large)).extract(lambda name: tmp_path / name)


@pytest.mark.parametrize("name", ["media/small/150", "media/text"])
def test_a_member_that_cannot_be_completed_leaves_no_file(
    large, tmp_path, monkeypatch, name
):
    def fail(*_, **__):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(unpacking.os, "utime", fail)
    with pytest.raises(OSError, match="full"):
        ArchiveReader(Bytes(large)).extract_member(name, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_disk_that_cannot_be_read_is_not_the_archives_fault(large):
    class Broken(Bytes):
        def read_at(self, offset: int, length: int) -> bytes:
            if offset < 1000:
                raise OSError(errno.EIO, "broken")
            return super().read_at(offset, length)

    with pytest.raises(OSError, match="broken"):
        ArchiveReader(Broken(large)).verify()


def test_an_error_in_a_callback_stops_the_pass(large):
    def fail(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ArchiveReader(Bytes(large)).verify(progress=fail)


def test_a_file_source_reads_to_the_end_and_no_further(tmp_path):
    (tmp_path / "file").write_bytes(b"0123456789")
    with FileSource(tmp_path / "file") as source:
        assert source.size == 10
        assert source.read_at(8, 5) == b"89"


def test_members_can_be_listed_without_their_data(large):
    members = list(ArchiveReader(Bytes(large)).members())
    assert len(members) == 202
    assert all(isinstance(member, Member) for member in members)
