"""What PocketBase's dashboard asks beside the Backups API (CONTRACT §7.3)."""

import pytest

from .wire import NO_TOKEN, NOT_SUPERUSER, answer, error

ANSWERS = {
    "/api/collections?page=1&perPage=1000&skipTotal=1": {
        "items": [],
        "page": 1,
        "perPage": 1000,
        "totalItems": -1,
        "totalPages": -1,
    },
    "/api/collections/meta/scaffolds": {},
    "/api/collections/meta/oauth2-providers": [],
}


@pytest.mark.parametrize(("target", "body"), ANSWERS.items())
def test_it_gets_the_empty_answers_that_it_needs(api, target, body):
    assert answer(api.get(target)) == (200, body)


@pytest.mark.parametrize("target", ANSWERS)
def test_they_are_for_superusers_only(api, target):
    assert answer(api.get(target, caller="guest")) == error(401, NO_TOKEN)
    assert answer(api.get(target, caller="user")) == error(403, NOT_SUPERUSER)


@pytest.mark.parametrize("wanted", ["x", "-1", "²", ""])
def test_a_page_size_that_is_none_is_ignored(api, wanted):
    assert api.get(f"/api/collections?perPage={wanted}").json()["perPage"] == 30
