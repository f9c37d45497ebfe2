"""The stores: what every kind has to do, and what each does by itself."""

import fcntl
import os
from pathlib import Path

import pytest
from django.conf import settings

from backups.exceptions import BackupNotFound, NameTaken
from backups.store import get_store

MEMORY = {"BACKEND": "django.core.files.storage.InMemoryStorage"}


@pytest.fixture(params=["local", "generic"])
def store(request, monkeypatch):
    """A store over a local folder, and one over a storage that is no folder."""
    if request.param == "local":
        return get_store()
    from django.core.files.storage import storages

    from backups.store.generic import GenericStore

    return GenericStore(storages.create_storage(MEMORY))


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
    with store.open("a.zip") as file:
        assert file.read() == b"12345"
    assert store.local_path("a.zip", tmp_path).read_bytes() == b"12345"


def test_it_never_replaces_a_backup(store):
    put(store, "a.zip", b"old")
    with pytest.raises(NameTaken):
        put(store, "a.zip", b"new")
    with store.open("a.zip") as file:
        assert file.read() == b"old"


def test_what_is_not_published_is_never_listed_and_leaves_nothing(store):
    with store.receive("half.zip") as incoming:
        incoming.write(b"half")
        assert store.list() == []
        path = incoming.path
    assert store.list() == []
    assert not path.exists()


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
        store.open(key)
    with pytest.raises(BackupNotFound):
        store.delete(key)


def test_a_local_store_keeps_its_partial_files_to_itself():
    store = get_store()
    with store.receive("half.zip") as incoming:
        assert store.find(f".partial/{incoming.path.name}") is None


def test_a_sweep_removes_what_a_dead_writer_left_and_nothing_else(store):
    alive = store.receive("half.zip")
    dead = alive.path.with_name("dead")
    dead.write_bytes(b"half")
    store.sweep()
    assert alive.path.exists()
    assert not dead.exists()
    alive.discard()


def test_a_local_archive_is_private():
    put(get_store(), "a.zip")
    mode = (Path(settings.DATA_DIR) / "backups" / "a.zip").stat().st_mode
    assert mode & 0o077 == 0


def test_an_incoming_file_is_locked_while_its_writer_lives(store):
    with store.receive("half.zip") as incoming:
        descriptor = os.open(incoming.path, os.O_RDONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(descriptor)
