"""The stores: what every kind has to do, and what each does by itself."""

import fcntl
import os
from pathlib import Path

import pytest
from django.conf import settings

from backups import operations
from backups.exceptions import BackupNotFound, NameTaken
from backups.store import get_store

pytestmark = pytest.mark.django_db

MEMORY = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
BEGINNING = bytes(9 << 20)
"""So much of an archive that every kind of store has begun to keep it somewhere."""


@pytest.fixture(params=["local", "generic", "s3"])
def store(request, settings):
    """A store of each kind: a local folder, any other storage, and S3."""
    if request.param == "generic":
        settings.STORAGES = {**settings.STORAGES, "backups": MEMORY}
    if request.param == "s3":
        return request.getfixturevalue("bucket").choose()
    return get_store()


def under_way(store) -> list[Path]:
    """Return the local files of what is being received."""
    folders = {
        "LocalStore": settings.DATA_DIR / "backups" / ".partial",
        "GenericStore": settings.DATA_DIR / "workspace" / "incoming",
        "S3Store": settings.DATA_DIR / "workspace" / "incoming-s3",
    }
    return list(folders[type(store).__name__].glob("*"))


def put(store, key: str, content: bytes = b"PK") -> None:
    with store.receive(key) as incoming:
        incoming.write(content)
        incoming.publish()


def test_it_lists_what_was_published_by_bytes_of_the_key(store):
    for key in ("b.zip", "@auto.zip", "B.zip", "ü.zip"):
        put(store, key)
    assert [item.key for item in store.list()] == [
        "@auto.zip",
        "B.zip",
        "b.zip",
        "ü.zip",
    ]


def test_it_knows_size_and_time(store):
    put(store, "a.zip", b"12345")
    found = store.require("a.zip")
    assert (found.size, found.modified.utcoffset().total_seconds()) == (5, 0)


def test_it_reads_back_what_was_published(store, tmp_path):
    put(store, "a.zip", b"12345")
    with store.open(store.require("a.zip")) as file:
        assert file.read() == b"12345"
    assert store.local_path("a.zip", tmp_path).read_bytes() == b"12345"


def test_it_never_replaces_a_backup(store):
    put(store, "a.zip", b"old")
    with pytest.raises(NameTaken):
        put(store, "a.zip", b"new")
    with store.open(store.require("a.zip")) as file:
        assert file.read() == b"old"


def test_what_is_not_published_is_never_listed_and_leaves_nothing(store):
    with store.receive("half.zip") as incoming:
        incoming.write(BEGINNING)
        assert store.list() == []
        assert len(under_way(store)) == 1
    assert store.list() == []
    assert under_way(store) == []
    incoming.discard()


@pytest.mark.parametrize("size", [0, 1, 8 << 20, (8 << 20) + 1, 20 << 20])
def test_it_keeps_an_archive_of_any_size(store, tmp_path, size):
    content = os.urandom(size)
    with store.receive("a.zip") as incoming:
        for start in range(0, size, 3 << 20):
            incoming.write(memoryview(content)[start : start + (3 << 20)])
        incoming.publish()
    assert [item.size for item in store.list()] == [size]
    assert store.local_path("a.zip", tmp_path).read_bytes() == content
    assert under_way(store) == []


def test_an_open_archive_can_seek(store):
    content = os.urandom(1 << 20)
    put(store, "a.zip", content)
    with store.open(store.require("a.zip")) as file:
        for start, length in [(5, 10), (900_000, 300_000), (1 << 20, 1), (0, 70_000)]:
            file.seek(start)
            assert file.read(length) == content[start : start + length]
        assert file.seek(-3, os.SEEK_END) == (1 << 20) - 3
        assert file.read() == content[-3:]


def test_the_probe_finds_that_it_works_and_leaves_nothing(store):
    operations.probe_store()
    assert store.list() == []
    assert under_way(store) == []
    folder = settings.DATA_DIR / "backups"
    assert {path.name for path in folder.glob("*")} <= {".partial"}


def test_it_deletes(store):
    put(store, "a.zip")
    store.delete("a.zip")
    assert store.list() == []
    with pytest.raises(BackupNotFound):
        store.delete("a.zip")


@pytest.mark.parametrize(
    "key",
    [
        "",
        ".",
        "..",
        "../x",
        "/etc/passwd",
        "a/../b",
        "a//b",
        "a\0b",
        "a\nb",
        "..\\x",
        "x" * 300,
    ],
)
def test_a_key_that_is_no_safe_path_is_simply_not_there(store, key):
    assert store.find(key) is None
    with pytest.raises(BackupNotFound):
        store.open(store.require(key))
    with pytest.raises(BackupNotFound):
        store.delete(key)


def test_a_local_store_keeps_its_partial_files_to_itself():
    store = get_store()
    with store.receive("half.zip"):
        (path,) = under_way(store)
        assert store.find(f".partial/{path.name}") is None


def test_a_sweep_removes_what_a_dead_writer_left_and_nothing_else(store):
    with store.receive("half.zip") as alive:
        alive.write(BEGINNING)
        (path,) = under_way(store)
        path.with_name("dead").write_bytes(b"half")
        store.sweep()
        assert under_way(store) == [path]
        alive.publish()
    assert [item.size for item in store.list()] == [len(BEGINNING)]


def test_a_local_archive_is_private():
    put(get_store(), "a.zip")
    mode = (Path(settings.DATA_DIR) / "backups" / "a.zip").stat().st_mode
    assert mode & 0o077 == 0


def test_an_incoming_file_is_locked_while_its_writer_lives(store):
    with store.receive("half.zip") as incoming:
        incoming.write(BEGINNING)
        (path,) = under_way(store)
        descriptor = os.open(path, os.O_RDONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(descriptor)
