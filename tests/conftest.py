"""Fixtures that all tests share."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.base import ContentFile


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In CI everything can be had, so a skipped test is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if skipped and os.environ.get("CI") == "true":
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


FOLDERS = ("media", "backups", "workspace")


@pytest.fixture(autouse=True)
def clean_folders() -> Iterator[None]:
    """Start every test with no media, no backups and an empty workspace."""
    for name in FOLDERS:
        shutil.rmtree(settings.DATA_DIR / name, ignore_errors=True)
    yield


@pytest.fixture
def media() -> Path:
    """The media folder, with a few files and an empty folder."""
    root = Path(settings.MEDIA_ROOT)
    (root / "a" / "b").mkdir(parents=True)
    (root / "empty").mkdir()
    (root / "a" / "b" / "photo.jpg").write_bytes(b"\xff\xd8" + bytes(range(256)) * 40)
    (root / "notes é.txt").write_text("hello " * 1000)
    return root


@pytest.fixture
def article(transactional_db: Any) -> Any:
    """One article with an attached file."""
    from tests.site.models import Article

    article = Article(title="first")
    article.attachment.save("first.txt", ContentFile(b"first"))
    return article
