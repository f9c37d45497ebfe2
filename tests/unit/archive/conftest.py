"""The archive knows nothing of Django, and neither do its tests."""

import pytest


@pytest.fixture(autouse=True)
def clean_folders() -> None:
    """Stand in for the fixture that asks Django where its folders are."""
