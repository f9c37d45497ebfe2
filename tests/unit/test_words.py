"""Times and sums in words."""

from datetime import timedelta

import pytest
from django.utils import timezone, translation

from backups.templatetags.backups_words import ago, contents, count, duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "0.0 s"),
        (3.26, "3.3 s"),
        (3, "3 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (3599, "59 min 59 s"),
        (7860, "2 h 11 min"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds, words):
    assert duration(seconds) == words


def test_numbers_are_written_as_the_reader_does():
    with translation.override("de"):
        assert (duration(3.26), count(12_345)) == ("3,3 s", "12.345")
    assert count(12_345) == "12,345"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(5, "just now"), (61, "1\xa0minute ago"), (7300, "2\xa0hours ago")],
)
def test_a_moment_is_told_in_one_unit(seconds, words):
    assert ago(timezone.now() - timedelta(seconds=seconds)) == words


def test_contents_are_counted_with_their_singulars():
    assert contents({}) == "–"
    assert contents({"databases": 1, "files": 1}) == "1 database, 1 file"
    assert contents({"databases": 2, "files": 1234}) == "2 databases, 1,234 files"
