"""DELETE /api/backups/{key} (CONTRACT §1.5)."""

import pytest

from .wire import EMPTY, NO_TOKEN, NOT_SUPERUSER, answer, error

NO_DELETE = "Invalid or already deleted backup file."


@pytest.mark.parametrize(
    ("caller", "status", "message"),
    [
        pytest.param("guest", 401, NO_TOKEN, id="unauthorized"),
        pytest.param("user", 403, NOT_SUPERUSER, id="regular user"),
    ],
)
def test_it_is_for_superusers_only(api, four, caller, status, message):
    response = api.delete("/api/backups/test1.zip", caller=caller)
    assert answer(response) == error(status, message)
    assert len(four.keys()) == 4


def test_a_missing_file_is_an_error(api, four):
    assert answer(api.delete("/api/backups/missing.zip")) == error(400, NO_DELETE)
    assert len(four.keys()) == 4


def test_it_refuses_the_backup_of_the_running_operation(api, four, busy):
    busy("test1.zip")
    assert answer(api.delete("/api/backups/test1.zip")) == error(
        400, "The backup is currently being used and cannot be deleted."
    )
    assert len(four.keys()) == 4


def test_it_deletes_another_backup_during_an_operation(api, four, busy):
    busy("new.zip")
    assert answer(api.delete("/api/backups/test1.zip")) == EMPTY
    assert four.keys() == ["@test4.zip", "test2.zip", "test3.zip"]


def test_it_deletes_an_escaped_key(api, four):
    assert answer(api.delete("/api/backups/%40test4.zip")) == EMPTY
    assert four.keys() == ["test1.zip", "test2.zip", "test3.zip"]


def test_a_second_time_is_an_error(api, four):
    api.delete("/api/backups/test1.zip")
    assert answer(api.delete("/api/backups/test1.zip")) == error(400, NO_DELETE)


def test_it_ignores_the_body(api, four):
    assert answer(api("DELETE", "/api/backups/test1.zip", b"{broken")) == EMPTY


def test_it_deletes_a_file_called_upload(api, store):
    store.put("upload")
    assert answer(api.delete("/api/backups/upload")) == EMPTY
    assert store.keys() == []


def test_it_deletes_in_a_folder_by_an_encoded_slash(api, store):
    store.put("sub/in.zip")
    assert answer(api.delete("/api/backups/sub%2Fin.zip")) == EMPTY
    assert store.keys() == []


@pytest.mark.parametrize(
    "segment",
    ["%2e%2e", "%2e", "sub", ".partial", "..%2Fdb.sqlite3", "test1.zip%00", "%2Fetc"],
)
def test_it_deletes_nothing_but_stored_files(api, four, segment):
    four.put("sub/in.zip")
    assert answer(api.delete(f"/api/backups/{segment}")) == error(400, NO_DELETE)
    assert len(four.keys()) == 5


def test_a_broken_storage_fails_without_naming_its_path(api, store):
    store.break_down()
    assert answer(api.delete("/api/backups/test.zip")) == error(400, NO_DELETE)
