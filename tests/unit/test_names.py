"""Names of archives: CONTRACT §2.3, and what may be a path."""

import re

import pytest

from backups.names import CREATE_PATTERN, generate_key, is_safe_key, snake_case


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Acme", "acme"),
        ("My App", "my_app"),
        ("myApp", "my_app"),
        ("UPPER-case.Name_1", "upper_case_name_1"),
        ("Ünïcode & <b>", "n_code_b"),
        ("a__b  c", "a_b_c"),
        ("HTTPServer", "httpserver"),
        ("v2Beta", "v2_beta"),
        ("日本", ""),
        ("!!!", ""),
        ("", ""),
    ],
)
def test_snake_case_makes_words_of_ascii(text: str, expected: str) -> None:
    assert snake_case(text) == expected


def test_a_key_has_the_site_and_the_time() -> None:
    assert re.fullmatch(r"pb_backup_my_app_\d{14}\.zip", generate_key("My App"))


def test_a_key_of_a_nameless_site_has_two_underscores() -> None:
    assert re.fullmatch(r"pb_backup__\d{14}\.zip", generate_key("日本"))


def test_the_site_is_cut_to_fifty_characters() -> None:
    key = generate_key("test @! " + "a" * 100)
    assert re.fullmatch(r"pb_backup_test_a{45}_\d{14}\.zip", key)


def test_a_key_of_the_schedule_begins_in_its_own_way() -> None:
    key = generate_key("Acme", prefix="@auto_pb_backup_")
    assert re.fullmatch(r"@auto_pb_backup_acme_\d{14}\.zip", key)


def test_a_later_key_of_the_same_second_has_a_number() -> None:
    assert re.fullmatch(r"pb_backup_acme_\d{14}_2\.zip", generate_key("Acme", serial=2))


@pytest.mark.parametrize("site", ["Acme", "日本", "a" * 100, "A b C"])
@pytest.mark.parametrize("serial", [1, 2, 100])
def test_every_generated_key_could_have_been_asked_for(site: str, serial: int) -> None:
    assert CREATE_PATTERN.fullmatch(generate_key(site, serial=serial))


@pytest.mark.parametrize(
    "key",
    [
        "test.zip",
        "blob",
        "@auto_pb_backup_x.zip",
        "UPPER Name.ZIP",
        "ünï.zip",
        ".hidden",
        "...",
        "sub/in.zip",
        "%2e%2e",
        "x" * 255,
    ],
)
def test_a_relative_path_is_safe(key: str) -> None:
    assert is_safe_key(key)


@pytest.mark.parametrize(
    "key",
    [
        "",
        ".",
        "..",
        "/",
        "/test.zip",
        "test.zip/",
        "a//b",
        "../db.sqlite3",
        "a/../../b",
        "a/./b",
        "a\\b",
        "..\\b",
        "a\0",
        "a\n",
        "a\r\nb",
        "\x7f",
        "\ud800",
        "x" * 256,
        "ü" * 128,
        "a/" + "x" * 256,
    ],
)
def test_whatever_could_lead_elsewhere_is_not(key: str) -> None:
    assert not is_safe_key(key)
