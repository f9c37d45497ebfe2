"""The main thing: what was saved comes back, and nothing else stays."""

import pytest
from django.conf import settings

from backups import operations
from backups.models import Operation
from tests.engine import create, restore, tree
from tests.site.models import Article

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


def test_a_restore_brings_rows_and_files_back_exactly(article, media):
    before = tree(media)
    create("one.zip")
    article.attachment.delete(save=False)
    Article.objects.all().update(title="changed")
    Article.objects.using("second").create(title="stray")
    (media / "stray.txt").write_text("stray")
    (media / "empty" / "now-full.txt").write_text("stray")

    restore("one.zip")

    assert tree(media) == before
    assert [a.title for a in Article.objects.all()] == ["first"]
    assert not Article.objects.using("second").exists()


def test_the_history_outlives_a_restore_and_stays_out_of_archives(article, media):
    create("one.zip")
    create("two.zip")

    restore("one.zip")

    outcomes = Operation.objects.order_by("started").values_list("kind", "key", "state")
    assert list(outcomes) == [
        ("create", "one.zip", "succeeded"),
        ("create", "two.zip", "succeeded"),
        ("restore", "one.zip", "succeeded"),
    ]


def test_nothing_is_left_behind(article, media):
    create("one.zip")
    restore("one.zip")

    workspace = settings.DATA_DIR / "workspace"
    assert sorted(p.name for p in workspace.iterdir()) == [
        "gate.lock",
        "generation",
        "operations",
    ]
    assert not list((workspace / "operations").iterdir())
    assert not [p for p in media.iterdir() if p.name.startswith(".")]
    assert operations.is_idle()
