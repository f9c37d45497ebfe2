"""The media tree: what is walked, and how it is swapped."""

import contextlib
import os
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from backups.exceptions import RestoreRefused
from backups.snapshots import MediaTree
from tests.engine import tree

TOKEN = uuid.uuid4()


@pytest.fixture
def media_tree(media: Path) -> MediaTree:
    return MediaTree(media)


def names(media_tree: MediaTree) -> tuple[list[str], list[str]]:
    skipped: list[str] = []
    return [entry.name for entry in media_tree.walk(skipped)], skipped


def stage(media_tree: MediaTree) -> None:
    new = media_tree.open_stage(TOKEN)
    (new / "a").mkdir()
    (new / "a" / "new.txt").write_text("new")
    (new / "top.txt").write_text("new")


def test_it_walks_files_and_empty_folders_in_order(media_tree):
    assert names(media_tree) == (["a/b/photo.jpg", "empty", "notes é.txt"], [])


def test_the_order_is_that_of_the_parts_of_the_path(media_tree):
    (media_tree.root / "a.txt").write_text("x")
    (media_tree.root / "a-b").write_text("x")
    assert names(media_tree)[0][:3] == ["a/b/photo.jpg", "a-b", "a.txt"]


def test_no_media_folder_is_no_media(tmp_path):
    assert names(MediaTree(tmp_path / "nowhere")) == ([], [])


def test_links_are_followed_and_broken_ones_are_named(media_tree, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file.txt").write_text("x")
    (media_tree.root / "folder-link").symlink_to(tmp_path / "outside")
    (media_tree.root / "file-link").symlink_to(tmp_path / "outside" / "file.txt")
    (media_tree.root / "broken").symlink_to(tmp_path / "nowhere")
    found, skipped = names(media_tree)
    assert {"folder-link/file.txt", "file-link"} <= set(found)
    assert skipped == ["broken"]


def test_a_loop_of_links_ends(media_tree, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "again").symlink_to(outside)
    (media_tree.root / "loop").symlink_to(outside)
    (media_tree.root / "up").symlink_to(media_tree.root)
    assert names(media_tree)[1] == ["loop/again/", "up/"]


def test_what_is_no_file_is_named(media_tree):
    os.mkfifo(media_tree.root / "pipe")
    assert names(media_tree)[1] == ["pipe"]


def test_what_restores_hide_is_not_walked(media_tree):
    stage(media_tree)
    assert not [name for name in names(media_tree)[0] if name.startswith(".")]


def test_a_swap_replaces_everything_and_an_undo_brings_it_back(media_tree):
    before = tree(media_tree.root)
    stage(media_tree)
    media_tree.move_out(TOKEN)
    media_tree.move_in(TOKEN)
    assert (media_tree.root / "a" / "new.txt").read_text() == "new"
    assert not (media_tree.root / "empty").exists()
    media_tree.undo_move_in(TOKEN)
    media_tree.undo_move_out(TOKEN)
    media_tree.discard(TOKEN)
    assert tree(media_tree.root) == before


def test_every_move_may_be_repeated(media_tree):
    stage(media_tree)
    for _ in range(2):
        media_tree.move_out(TOKEN)
    for _ in range(2):
        media_tree.move_in(TOKEN)
    media_tree.discard(TOKEN)
    assert sorted(tree(media_tree.root)) == ["a", "a/new.txt", "top.txt"]


def test_a_stray_written_meanwhile_does_not_stop_the_swap(media_tree):
    stage(media_tree)
    media_tree.move_out(TOKEN)
    (media_tree.root / "a").mkdir()
    (media_tree.root / "a" / "stray").write_text("stray")
    media_tree.move_in(TOKEN)
    assert sorted(os.listdir(media_tree.root / "a")) == ["new.txt"]


def test_lost_and_found_stays_where_it_is(media_tree):
    (media_tree.root / "lost+found").mkdir()
    stage(media_tree)
    media_tree.move_out(TOKEN)
    assert (media_tree.root / "lost+found").is_dir()
    assert not media_tree.accepts("lost+found/x")


def test_a_sweep_keeps_only_what_is_asked_for(media_tree):
    stage(media_tree)
    media_tree.sweep(keep={TOKEN})
    assert media_tree.hidden(TOKEN).is_dir()
    media_tree.sweep(keep=set())
    assert not media_tree.hidden(TOKEN).exists()


def test_links_that_lead_nowhere_are_named(media_tree):
    (media_tree.root / "circle").symlink_to("circle")
    assert names(media_tree)[1] == ["circle"]


@contextlib.contextmanager
def as_somebody_else() -> Iterator[None]:
    """Be a user without rights, where this one is root."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_tree() -> Iterator[MediaTree]:
    """Return a media folder that everybody may read."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield MediaTree(Path(folder))


def test_a_folder_that_can_not_be_moved_is_named_before_anything_happens(open_tree):
    (open_tree.root / "fixed").mkdir(mode=0o555)
    (open_tree.root / "link").symlink_to("/usr")
    with (
        as_somebody_else(),
        pytest.raises(RestoreRefused, match="“fixed” can't be replaced"),
    ):
        open_tree.require_movable()
    (open_tree.root / "fixed").rmdir()
    with as_somebody_else():
        open_tree.require_movable()


def test_folders_that_can_not_be_written_are_deleted_all_the_same(open_tree):
    with as_somebody_else():
        stage(open_tree)
        (open_tree.hidden(TOKEN) / "new" / "a").chmod(0o555)
        open_tree.discard(TOKEN)
    assert not open_tree.hidden(TOKEN).exists()
