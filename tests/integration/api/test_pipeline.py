"""What every request passes before its handler (CONTRACT §0)."""

import pytest

from .conftest import EMPTY_ZIP
from .wire import (
    BUSY,
    EMPTY,
    JSON,
    MULTIPART,
    NO_TOKEN,
    NOT_FOUND,
    answer,
    error,
    file_part,
)

PATHS = [
    "/api/backups",
    "/api/backups/upload",
    "/api/backups/test1.zip",
    "/api/backups/test1.zip/restore",
    "/api/health",
    "/api/files/token",
    "/api/operations",
    "/api/collections/_superusers/auth-with-password",
    "/api/nope",
    "/api/",
]
SECURITY_HEADERS = {
    "X-XSS-Protection": "1; mode=block",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
}
TOO_LARGE = {"CONTENT_LENGTH": str((32 << 20) + 1)}


# CORS


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("caller", ["guest", "superuser"])
def test_options_is_answered_everywhere_and_to_anybody(api, four, path, caller):
    response = api("OPTIONS", path, caller=caller)
    assert answer(response) == EMPTY
    assert response["Access-Control-Allow-Origin"] == "*"
    assert response["Access-Control-Allow-Methods"] == (
        "GET,HEAD,PUT,PATCH,POST,DELETE"
    )
    assert not {"Allow", "Access-Control-Allow-Headers"} & response.headers.keys()


def test_a_preflight_gets_the_headers_that_it_asks_for(api):
    wanted = "authorization,x-request-source"
    headers = {"Origin": "https://x.example", "Access-Control-Request-Headers": wanted}
    response = api("OPTIONS", "/api/backups", caller="guest", headers=headers)
    assert response["Access-Control-Allow-Headers"] == wanted
    assert response["Vary"] == (
        "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
    )


ANSWERS = {
    "success": ("GET", "/api/health", 200),
    "no body": ("DELETE", "/api/backups/test1.zip", 204),
    "refusal": ("DELETE", "/api/backups/missing.zip", 400),
    "download refused": ("GET", "/api/backups/test1.zip", 403),
    "unknown path": ("GET", "/api/nope", 404),
    "wrong method": ("PUT", "/api/backups", 404),
}


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS.values(), ids=ANSWERS)
def test_every_answer_has_the_common_headers(api, four, method, path, status):
    response = api(method, path, headers={"Origin": "https://x.example"})
    assert response.status_code == status
    assert response["Access-Control-Allow-Origin"] == "*"
    assert response.headers.items() >= SECURITY_HEADERS.items()
    assert "Origin" in response["Vary"]
    unwanted = {"Allow", "WWW-Authenticate", "Access-Control-Allow-Credentials"}
    assert not unwanted & response.headers.keys()


def test_without_an_origin_none_is_allowed(api):
    response = api.get("/api/health")
    assert "Access-Control-Allow-Origin" not in response
    assert response["Vary"] == "Origin"


def test_the_allowed_origin_is_a_setting(api, settings):
    settings.BACKUPS = {**settings.BACKUPS, "CORS_ORIGIN": "https://x.example"}
    response = api.get("/api/health", headers={"Origin": "https://y.example"})
    assert response["Access-Control-Allow-Origin"] == "https://x.example"


# Paths and methods


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/nope"),
        ("POST", "/api/nope"),
        ("GET", "/api/"),
        ("GET", "/api/backup"),
        ("GET", "/api/Backups"),
        ("GET", "/api/backups/"),
        ("POST", "/api/backups/"),
        ("POST", "/api/backups/upload/"),
        ("GET", "/api/backups/test1.zip/"),
        ("DELETE", "/api/backups/test1.zip/"),
        ("POST", "/api/backups/test1.zip/restore/"),
        ("GET", "/api/health/"),
        ("GET", "/api/operations/"),
        ("GET", "/api/backups.json"),
        ("PUT", "/api/backups"),
        ("PATCH", "/api/backups"),
        ("DELETE", "/api/backups"),
        ("PUT", "/api/backups/upload"),
        ("POST", "/api/backups/test1.zip"),
        ("GET", "/api/backups/a/b.zip"),
        ("DELETE", "/api/backups/a/b.zip"),
        ("POST", "/api/backups/a/b.zip/restore"),
        ("PUT", "/api/backups/test1.zip"),
        ("PATCH", "/api/backups/test1.zip"),
        ("GET", "/api/backups/test1.zip/restore"),
        ("DELETE", "/api/backups/test1.zip/restore"),
        ("POST", "/api/health"),
        ("TRACE", "/api/health"),
        ("LIST", "/api/backups"),
        ("INITIAL", "/api/health"),
    ],
)
@pytest.mark.parametrize("caller", ["guest", "superuser"])
def test_an_unknown_route_is_not_found(api, four, method, path, caller):
    response = api(method, path, caller=caller)
    assert answer(response) == error(404, NOT_FOUND)
    assert "Allow" not in response
    assert len(four.keys()) == 4


def test_paths_are_case_sensitive(api):
    assert api.get("/API/backups").status_code == 404


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("//api/backups", "/api/backups"),
        ("///api//backups", "/api/backups"),
        ("/api//backups", "/api/backups"),
        ("/api/./backups", "/api/backups"),
        ("/api/x/../backups", "/api/backups"),
        ("/api//health?a=1&b=%2F", "/api/health?a=1&b=%2F"),
        ("/api//backups/", "/api/backups/"),
        ("/api//../../..", "/"),
        ("/api//../%5Cx.example", "/%5Cx.example"),
        ("/api//../%0D%0AX: y", "/%0D%0AX:%20y"),
        ("/api//a%3Fb%23c", "/api/a%3Fb%23c"),
        ("/api//ü", "/api/%C3%BC"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_sloppy_path_is_redirected_to_the_clean_one(api, path, location, method):
    response = api(method, path, caller="guest")
    assert answer(response) == (307, None)
    assert response["Location"] == location


@pytest.mark.parametrize(
    ("path", "status", "caller"),
    [
        ("/api/health", 200, "guest"),
        ("/api/backups", 200, "superuser"),
        ("/api/operations", 200, "superuser"),
        ("/api/collections/_superusers/auth-methods", 200, "guest"),
        ("/api/backups", 401, "guest"),
        ("/api/backups", 403, "user"),
        ("/api/backups/test1.zip", 403, "superuser"),
        ("/api/nope", 404, "guest"),
    ],
)
def test_head_answers_like_get_without_the_body(api, four, path, status, caller):
    head, get = api.head(path, caller=caller), api.get(path, caller=caller)
    assert (head.status_code, get.status_code) == (status, status)
    assert head.content == b""
    assert head.headers == get.headers


# The body limit, and what comes before what


@pytest.mark.parametrize("caller", ["guest", "superuser"])
@pytest.mark.parametrize(
    "path", ["/api/backups", "/api/backups/x.zip/restore", "/api/files/token"]
)
def test_a_large_body_is_refused_before_anybody_asks_who_sends_it(api, path, caller):
    response = api.post(path, caller=caller, **TOO_LARGE)
    assert answer(response) == error(413, "Request entity too large.")


def test_32_mib_are_not_too_large(api):
    response = api.post("/api/backups", caller="guest", CONTENT_LENGTH=str(32 << 20))
    assert answer(response) == error(401, NO_TOKEN)


def test_an_upload_may_be_larger(api):
    response = api.post("/api/backups/upload", caller="guest", **TOO_LARGE)
    assert answer(response) == error(401, NO_TOKEN)


@pytest.mark.parametrize("path", ["/api/backups", "/api/backups/upload"])
def test_a_body_of_unknown_length_is_not_taken_for_an_empty_one(api, path):
    response = api.post(path, HTTP_TRANSFER_ENCODING="chunked")
    assert answer(response) == error(411, "The request needs a Content-Length.")


def test_an_unknown_route_comes_before_the_body_limit(api):
    assert answer(api.post("/api/nope", **TOO_LARGE)) == error(404, NOT_FOUND)


def test_a_body_beyond_djangos_own_limit_is_read(api, busy):
    large = b'{"name":"' + b"x" * (3 << 20) + b'"}'
    response = api.post("/api/backups", large)
    assert response.json()["data"]["name"]["code"] == "validation_length_out_of_range"


def test_the_caller_comes_before_the_running_operation(api, busy):
    busy()
    response = api.post("/api/backups", b"{broken", caller="guest")
    assert answer(response) == error(401, NO_TOKEN)


def test_the_running_operation_comes_before_the_body(api, busy):
    busy()
    assert answer(api.post("/api/backups", b"{broken")) == error(400, BUSY)


# Bodies of answers


def test_an_error_is_compact_json_with_a_line_break_at_its_end(api):
    response = api.get("/api/backups", caller="guest")
    assert response["Content-Type"] == "application/json"
    assert response.content == (
        b'{"data":{},"message":"The request requires valid record authorization'
        b' token.","status":401}\n'
    )


def test_what_html_would_read_is_escaped_and_the_rest_is_not(api, store):
    store.put("<b>&ü 'x'.zip")
    assert b'"key":"\\u003cb\\u003e\\u0026\xc3\xbc \'x\'.zip"' in (
        api.get("/api/backups").content
    )


def test_an_error_escapes_what_it_quotes(api):
    response = api.upload(file_part("<a>&.txt", b"text"))
    assert b'"\\"\\u003ca\\u003e\\u0026.txt\\" mime type' in response.content


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/backups"),
        ("DELETE", "/api/backups/test1.zip"),
        ("POST", "/api/files/token"),
    ],
)
def test_a_content_type_without_a_body_is_no_harm(api, four, method, path):
    response = api(method, path, headers={"Content-Type": JSON})
    assert response.status_code in (200, 204)


def test_accept_is_ignored(api):
    response = api.get("/api/health", headers={"Accept": "text/html;q=1, image/png"})
    assert response["Content-Type"] == "application/json"


@pytest.mark.parametrize("query", ["format=json", "format=api", "_method=DELETE"])
def test_the_frameworks_own_parameters_mean_nothing(api, query):
    assert api.get(f"/api/health?{query}").status_code == 200


def test_no_csrf_token_is_asked_for(api):
    api.client.handler.enforce_csrf_checks = True
    response = api.upload(file_part("a.zip", EMPTY_ZIP), headers={"Origin": "null"})
    assert answer(response) == EMPTY


def test_an_empty_204_survives_a_form_in_the_request(api, four):
    response = api("DELETE", "/api/backups/test1.zip", b"x", content_type=MULTIPART)
    assert answer(response) == EMPTY
