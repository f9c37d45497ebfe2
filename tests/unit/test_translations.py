"""Every translation is whole, and compiled from what it says."""

import gettext
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "backups" / "locale"
LANGUAGES = sorted(path.name for path in FOLDER.iterdir())


def load(language: str) -> dict[str, str]:
    """Return text and translation, as they are compiled."""
    catalog = gettext.translation("django", FOLDER, [language])._catalog
    return {
        key[0] if isinstance(key, tuple) else key: value
        for key, value in catalog.items()
        if key
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_missing_and_all_are_compiled(language):
    texts = (FOLDER / language / "LC_MESSAGES" / "django.po").read_text()
    assert "fuzzy" not in texts
    assert texts.count("msgid ") - 1 == len(load(language)) > 100


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders_are_kept(language):
    for text, translated in load(language).items():
        assert placeholders(translated) == placeholders(text), text


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)[a-z]|%%s", text))
