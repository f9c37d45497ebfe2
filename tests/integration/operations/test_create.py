"""How much there is to do, as a backup that runs tells it."""

import shutil
from pathlib import Path

import pytest

from backups.exceptions import SnapshotFailed
from backups.models import Operation
from backups.operations.create import estimate_media
from backups.snapshots import MediaTree, get_media
from tests.engine import create

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


@pytest.fixture
def media(media: Path) -> Path:
    """Have no files but those of the test."""
    shutil.rmtree(media)
    media.mkdir()
    return media


def fill(media: Path, count: int, size: int) -> None:
    for number in range(count):
        (media / f"{number:04}").write_bytes(b"x" * size)


def found() -> MediaTree:
    tree = get_media()
    assert tree
    return tree


def test_the_first_backup_asks_every_file_for_its_size(media):
    fill(media, 30, 100)
    (media / "empty").mkdir()
    assert estimate_media(found()) == 3000


def test_the_files_and_their_bytes_are_remembered(media):
    fill(media, 30, 100)
    (media / "empty").mkdir()
    create("one.zip")
    contents = {"databases": 2, "files": 31, "file_bytes": 3000}
    assert Operation.objects.get().contents == contents


def test_about_as_many_files_as_in_the_last_backup_are_taken_for_as_large(media):
    fill(media, 30, 100)
    create("one.zip")
    fill(media, 33, 1)
    assert estimate_media(found()) == 3300


@pytest.mark.parametrize("count", [10, 34])
def test_far_fewer_or_more_files_are_asked_again(media, count):
    fill(media, 30, 100)
    create("one.zip")
    for path in media.iterdir():
        path.unlink()
    fill(media, count, 7)
    assert estimate_media(found()) == 7 * count


def test_a_last_backup_without_files_says_nothing(media):
    create("one.zip")
    fill(media, 3, 7)
    assert estimate_media(found()) == 21


def test_what_an_upload_holds_says_nothing(media):
    Operation.objects.create(
        kind="upload",
        state="succeeded",
        started="2026-11-23T00:00:00Z",
        contents={"databases": 1, "files": 3},
    )
    fill(media, 3, 7)
    assert estimate_media(found()) == 21


def test_media_that_are_none_any_more_are_remarked(media):
    fill(media, 3, 1)
    create("one.zip")
    for path in media.iterdir():
        path.unlink()
    create("two.zip")
    create("three.zip")
    said = dict(Operation.objects.values_list("key", "notes"))
    assert (said["one.zip"], said["three.zip"]) == ([], [])
    (remark,) = Operation.objects.get(key="two.zip").remarks
    assert remark == "There are no media; the last backup held 3 files."


def test_media_that_have_gone_are_not_saved_as_none(media):
    fill(media, 3, 1)
    create("one.zip")
    shutil.rmtree(media)
    with pytest.raises(SnapshotFailed, match="media folder is missing"):
        create("two.zip")
    media.mkdir()
    create("two.zip")
