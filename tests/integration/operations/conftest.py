"""A site that has changed since its backup was made."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from backups import gate
from tests.engine import create, tree
from tests.site.models import Article


def present(media: Path) -> tuple[list[list[str]], dict[str, bytes | None]]:
    """Return the titles of both databases, and every file."""
    titles = [
        list(Article.objects.using(alias).values_list("title", flat=True))
        for alias in ("default", "second")
    ]
    return titles, tree(media)


@pytest.fixture
def saved(article: Any, media: Path) -> Any:
    """Make a backup, change everything, and return what there is now."""
    Article.objects.using("second").create(title="second")
    create("one.zip")
    Article.objects.update(title="changed")
    Article.objects.using("second").update(title="changed")
    (media / "later.txt").write_text("later")
    return present(media)


@pytest.fixture
def slow_request() -> Callable[[], Any]:
    """Be a request that does not end, inside the context that this returns."""

    @contextlib.contextmanager
    def inside() -> Iterator[None]:
        place = gate.enter()
        assert place
        try:
            yield
        finally:
            place.leave()

    return inside
