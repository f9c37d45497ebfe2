"""POST /api/backups/upload (CONTRACT §1.3)."""

import io
import zipfile

import pytest

from .conftest import EMPTY_ZIP
from .wire import (
    BOUNDARY,
    EMPTY,
    INVALID_DATA,
    JSON,
    MULTIPART,
    NO_TOKEN,
    NOT_SUPERUSER,
    REQUIRED,
    answer,
    error,
    file_part,
    form,
    part,
)

URL = "/api/backups/upload"
NAME_EXISTS = {
    "code": "validation_backup_name_exists",
    "message": "Backup file with the specified name already exists.",
}


def wrong_type(name: str) -> dict[str, str]:
    return {
        "code": "validation_invalid_mime_type",
        "message": f'"{name}" mime type must be one of: application/zip.',
    }


def zip_of(*names: str, content: str = "") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("caller", "status", "message"),
    [
        pytest.param("guest", 401, NO_TOKEN, id="unauthorized"),
        pytest.param("user", 403, NOT_SUPERUSER, id="regular user"),
    ],
)
def test_it_is_for_superusers_only(api, store, caller, status, message):
    response = api.upload(file_part("test", EMPTY_ZIP), caller=caller)
    assert answer(response) == error(status, message)
    assert store.keys() == []


def test_it_stores_a_file_under_its_own_name(api, store):
    assert answer(api.upload(file_part("test", EMPTY_ZIP))) == EMPTY
    assert store.keys() == ["test"]
    assert (store.root / "test").read_bytes() == EMPTY_ZIP


def test_it_refuses_a_name_that_is_stored_already(api, store):
    store.put("test", b"abc")
    response = api.upload(file_part("test", EMPTY_ZIP))
    assert answer(response) == error(400, INVALID_DATA, file=NAME_EXISTS)
    assert (store.root / "test").read_bytes() == b"abc"


def test_it_has_no_body_limit(api, store):
    response = api.post(URL, bytes((32 << 20) + 100), content_type="")
    assert answer(response) == error(400, INVALID_DATA, file=REQUIRED)
    assert store.keys() == []


ENTRY = file_part("test.zip", EMPTY_ZIP)
NO_FILE = {
    "no body": (b"", MULTIPART),
    "JSON": (b'{"file":"x"}', JSON),
    "a zip as the body": (EMPTY_ZIP, "application/zip"),
    "urlencoded": (b"file=x", "application/x-www-form-urlencoded"),
    "no boundary": (form(ENTRY), "multipart/form-data"),
    "other boundary": (form(ENTRY), "multipart/form-data; boundary=other"),
    "form without parts": (form(), MULTIPART),
    "other field": (form(part(EMPTY_ZIP, name="f", filename="a.zip")), MULTIPART),
    "plain field": (form(part(EMPTY_ZIP, name="file")), MULTIPART),
    "empty file name": (form(file_part("", EMPTY_ZIP)), MULTIPART),
    "never closed": (form(ENTRY).removesuffix(b"--\r\n"), MULTIPART),
    "cut in the file": (form(ENTRY)[:-60], MULTIPART),
}


@pytest.mark.parametrize(("body", "kind"), NO_FILE.values(), ids=NO_FILE)
def test_it_refuses_a_body_without_a_whole_file(api, store, body, kind):
    response = api.post(URL, body, content_type=kind)
    assert answer(response) == error(400, INVALID_DATA, file=REQUIRED)
    assert store.keys() == []


def test_a_client_that_goes_away_leaves_nothing(api, store):
    sent = form(ENTRY)[:-60]
    promised = {"CONTENT_LENGTH": str(len(form(ENTRY))), "wsgi.input": io.BytesIO(sent)}
    response = api.post(URL, b"...", content_type=MULTIPART, **promised)
    assert response.status_code == 400
    assert store.keys() == []


def test_an_epilogue_after_the_form_is_ignored(api, store):
    body = form(ENTRY) + b"This is the epilogue.\r\n"
    assert answer(api.post(URL, body, content_type=MULTIPART)) == EMPTY


def test_the_first_file_wins_and_other_fields_are_ignored(api, store):
    response = api.upload(
        part(b"{}", name="@jsonPayload"),
        part(b"other.zip", name="name"),
        file_part("first.zip", EMPTY_ZIP),
        file_part("second.zip", zip_of("x")),
    )
    assert answer(response) == EMPTY
    assert store.keys() == ["first.zip"]
    assert (store.root / "first.zip").read_bytes() == EMPTY_ZIP


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        pytest.param("blob", "blob", id="the SDK's blob"),
        pytest.param("UPPER Name.ZIP", "UPPER Name.ZIP", id="capitals and a space"),
        pytest.param("ünï.zip", "ünï.zip", id="not ASCII"),
        pytest.param(".hidden.zip", ".hidden.zip", id="hidden"),
        pytest.param("@auto_pb_backup_x.zip", "@auto_pb_backup_x.zip", id="automatic"),
        pytest.param("%40x.zip", "%40x.zip", id="percent sign"),
        pytest.param("../evil.zip", "evil.zip", id="path upwards"),
        pytest.param("a/b.zip", "b.zip", id="path downwards"),
        pytest.param("/etc/c.zip", "c.zip", id="absolute path"),
    ],
)
def test_it_keeps_the_name_without_folders(api, store, sent, key):
    assert answer(api.upload(file_part(sent, EMPTY_ZIP))) == EMPTY
    assert store.keys() == [key]


@pytest.mark.parametrize("name", [".", "..", ".partial", "x" * 256, "ü" * 128])
def test_it_refuses_a_name_that_cannot_be_stored(api, store, name):
    assert api.upload(file_part(name, EMPTY_ZIP)).status_code == 400
    assert store.keys() == []


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"hello", id="text"),
        pytest.param(b" " + EMPTY_ZIP, id="zip after a space"),
        pytest.param(zip_of("[Content_Types].xml", "word/document.xml"), id="docx"),
        pytest.param(zip_of("META-INF/MANIFEST.MF", "A.class"), id="jar"),
    ],
)
def test_it_refuses_what_is_no_plain_zip_by_its_content(api, store, content):
    response = api.upload(file_part("my test.zip", content))
    assert answer(response) == error(400, INVALID_DATA, file=wrong_type("my test.zip"))
    assert store.keys() == []


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(EMPTY_ZIP, id="empty archive"),
        pytest.param(zip_of("data.db"), id="foreign archive"),
        pytest.param(b"PK\x03\x04junk", id="beginning of a zip, then junk"),
    ],
)
def test_it_takes_whatever_begins_as_a_zip(api, store, content):
    assert answer(api.upload(file_part("test.txt", content))) == EMPTY


def test_the_content_is_judged_before_the_name(api, store):
    store.put("taken.zip")
    response = api.upload(file_part("taken.zip", b"hello"))
    assert answer(response) == error(400, INVALID_DATA, file=wrong_type("taken.zip"))


def test_it_works_during_an_operation(api, store, busy):
    busy("test.zip")
    assert answer(api.upload(file_part("test.zip", EMPTY_ZIP))) == EMPTY


def test_it_takes_a_file_of_many_blocks_byte_by_byte(api, store):
    content = EMPTY_ZIP + bytes(range(256)) * 20_000 + f"\r\n--{BOUNDARY[:-1]}".encode()
    assert answer(api.upload(file_part("large.zip", content))) == EMPTY
    assert (store.root / "large.zip").read_bytes() == content


def test_a_broken_storage_fails_without_naming_its_path(api, store):
    store.break_down()
    response = api.upload(file_part("test.zip", EMPTY_ZIP))
    assert answer(response) == error(400, "Failed to upload backup.")
