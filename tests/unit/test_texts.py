"""Sentences that are English as text and can be shown in any language."""

import copy
import json
import pickle

import pytest
from django.utils.translation import gettext, override

from backups.archive.directory import bad_member
from backups.cron import CronError, Schedule
from backups.exceptions import BackupNotFound, InvalidArchive
from backups.texts import Text

NOT_FOUND = "There is no backup named “%(key)s”."
DAMAGED = bad_member("media/a.txt", "is damaged: its CRC is wrong").text
NESTED = Text("Not pruned: %(why)s", why=Text(NOT_FOUND, key="a.zip"))


def in_german(text: Text) -> str:
    with override("de"):
        return text.translated(gettext)


def test_a_text_is_the_english_sentence():
    text = Text(NOT_FOUND, key="a.zip")
    assert text == str(text) == "There is no backup named “a.zip”."
    assert json.dumps([text], ensure_ascii=False) == f'["{text}"]'


def test_a_text_stays_english_whatever_language_is_active():
    with override("de"):
        assert str(Text(NOT_FOUND, key="a.zip")) == "There is no backup named “a.zip”."
        assert str(BackupNotFound("a.zip")) == "There is no backup named “a.zip”."


def test_a_text_is_translated_with_its_parameters():
    text = Text(NOT_FOUND, key="a.zip")
    assert in_german(text) == "Eine Sicherung namens „a.zip“ gibt es nicht."


def test_a_text_inside_a_text_is_translated_as_well():
    assert NESTED == "Not pruned: There is no backup named “a.zip”."
    assert in_german(NESTED) == (
        "Alte Sicherungen nicht gelöscht: Eine Sicherung namens „a.zip“ gibt es nicht."
    )


def test_a_flaw_of_an_archive_is_translated_to_its_last_word():
    assert DAMAGED == "The member “media/a.txt” is damaged: its CRC is wrong."
    assert in_german(DAMAGED) == (
        "Der Eintrag „media/a.txt“ ist beschädigt: seine CRC stimmt nicht."
    )


def test_a_parameter_is_never_translated():
    text = Text(NOT_FOUND, key="Backups")
    assert in_german(text) == "Eine Sicherung namens „Backups“ gibt es nicht."


@pytest.mark.parametrize("sign", ["%", "%s", "%(key)s", "100 % of it", "%%"])
def test_a_percent_sign_is_only_a_sign(sign):
    assert Text(sign) == in_german(Text(sign)) == sign
    assert str(InvalidArchive(sign)) == sign
    assert Text(NOT_FOUND, key=sign) == f"There is no backup named “{sign}”."
    assert sign in in_german(Text(NOT_FOUND, key=sign))


def test_no_text_is_empty_in_every_language():
    assert Text("") == in_german(Text("")) == ""


@pytest.mark.parametrize(
    "text",
    [
        Text(NOT_FOUND, key="a.zip"),
        Text("%(n)d of %(of)s", n=3, of=7),
        Text("100 %"),
        Text(""),
        NESTED,
        DAMAGED,
    ],
)
def test_a_text_can_be_stored_and_copied_without_loss(text):
    stored = json.loads(json.dumps(text.as_json()))
    for again in (
        Text.from_json(stored),
        copy.deepcopy(text),
        pickle.loads(pickle.dumps(text)),
    ):
        assert isinstance(again, Text)
        assert again == text
        assert again.as_json() == text.as_json()
        assert in_german(again) == in_german(text)


@pytest.mark.parametrize("stored", ["It failed.", "50 % of it failed.", ""])
def test_what_was_stored_as_plain_text_is_shown_as_it_is(stored):
    text = Text.from_json(stored)
    assert (text, in_german(text)) == (stored, stored)


def test_what_is_wrong_with_a_schedule_can_be_translated():
    with pytest.raises(CronError) as caught:
        Schedule.parse("0 5-30 * * *")
    assert str(caught.value) == caught.value.text
    assert in_german(caught.value.text) == (
        "Bereich ungültig: Sein Ende muss zwischen 5 und 23 liegen."
    )
