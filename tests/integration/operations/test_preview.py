"""What a restore would change, told without changing anything."""

import os

import pytest
from django.core.files.base import ContentFile

from backups import operations
from backups.exceptions import BackupNotFound, InvalidArchive
from backups.models import Operation
from tests.engine import create, tree, upload
from tests.site.models import Article

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


@pytest.fixture
def preview(article, media):
    """The preview of an archive that is older than some changes of the site."""
    create("one.zip")
    second = Article(title="second")
    second.attachment.save("second.txt", ContentFile(b"second"))
    (media / "notes é.txt").unlink()
    (media / "a" / "b" / "photo.jpg").write_bytes(b"other")
    return operations.preview_restore("one.zip")


def test_it_counts_rows_now_and_then(preview):
    default = next(d for d in preview.databases if d.alias == "default")
    tables = {t.name: (t.now, t.then) for t in default.tables}
    assert tables["site_article"] == (2, 1)
    assert tables["auth_user"] == (0, 0)
    assert not any(name.startswith("backups_") for name in tables)
    assert default.to_migrate == []


def test_it_tells_the_files_that_come_change_and_go(preview):
    media = preview.media
    assert media.added.examples == ["notes é.txt"]
    assert media.changed.examples == ["a/b/photo.jpg"]
    assert media.removed.examples == ["articles/second.txt"]
    assert media.unchanged.examples == ["articles/first.txt"]
    assert media.added.bytes == 6000
    assert media.changed.bytes == 2 + 256 * 40


def test_it_tells_space_and_time(preview):
    assert preview.refusal == ""
    assert 0 < preview.bytes_needed < preview.bytes_free
    assert preview.seconds >= 1


def test_a_restore_then_changes_just_that(preview, media):
    operations.restore_backup(operations.claim_restore("one.zip", actor="test"))
    after = operations.preview_restore("one.zip")
    assert (after.media.added.count, after.media.removed.count) == (0, 0)
    assert after.media.changed.count == 0
    for database in after.databases:
        assert [t for t in database.tables if t.now != t.then] == []


def test_it_changes_nothing_itself(article, media):
    create("one.zip")
    before = tree(media), Operation.objects.count()
    operations.preview_restore("one.zip")
    assert (tree(media), Operation.objects.count()) == before


def test_a_site_that_does_not_fit_is_told_the_reason(article, media, settings):
    create("one.zip")
    settings.BACKUPS = {**settings.BACKUPS, "DATABASES": ("default",)}
    found = operations.preview_restore("one.zip")
    assert found.refusal == (
        "The archive holds databases that this site does not have: second."
    )
    assert found.databases == []


def test_a_table_that_is_only_on_one_side_has_no_rows_on_the_other(article, media):
    from django.db import connection

    create("one.zip")
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE later (id integer)")
    try:
        found = operations.preview_restore("one.zip")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE later")
    tables = {t.name: (t.now, t.then) for t in found.databases[0].tables}
    assert tables["later"] == (0, None)


def test_a_name_that_is_no_text_can_be_shown(article, media):
    os.link(media / "notes é.txt", os.fsencode(media) + b"/\xff.txt")
    create("one.zip")
    (media / "a" / "b" / "photo.jpg").unlink()
    os.unlink(os.fsencode(media) + b"/\xff.txt")
    found = operations.preview_restore("one.zip")
    assert found.media.added.examples == ["a/b/photo.jpg", "?.txt"]


def test_what_is_no_archive_is_refused(media):
    upload("other.zip", b"PK\x05\x06" + bytes(18))
    with pytest.raises(InvalidArchive):
        operations.preview_restore("other.zip")
    with pytest.raises(BackupNotFound):
        operations.preview_restore("missing.zip")
