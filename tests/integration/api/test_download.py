"""GET /api/backups/{key} (CONTRACT §1.4, §1.7, §6)."""

import email
import io
import zipfile

import pytest
from asgiref.sync import async_to_sync

from backups import gate, operations

from .wire import EMPTY, NOT_FOUND, answer, error

CONTENT = bytes(range(256)) * 4
SIZE = len(CONTENT)
# 2026-11-23 18:25:47.460 UTC
MODIFIED_NS = 1_795_458_347_460_000_000
LAST_MODIFIED = "Mon, 23 Nov 2026 18:25:47 GMT"
EARLIER = "Mon, 23 Nov 2026 18:25:46 GMT"
LATER = "Mon, 23 Nov 2026 18:25:48 GMT"
NO_ACCESS = error(403, "Insufficient permissions to access the resource.")
METHODS = pytest.mark.parametrize("method", ["GET", "HEAD"])


@pytest.fixture
def stored(store):
    store.put("test.zip", CONTENT, modified_ns=MODIFIED_NS)
    return store


@pytest.fixture
def download(api, stored):
    """Ask for the stored file with the given headers."""

    def ask(method="GET", **headers):
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        target = f"/api/backups/test.zip?token={api.tokens['superuser file']}"
        return api(method, target, caller="guest", headers=sent)

    return ask


@pytest.mark.parametrize("key", ["test.zip", "missing.zip", "upload"])
@pytest.mark.parametrize(
    ("caller", "query"),
    [
        pytest.param("guest", None, id="unauthorized"),
        pytest.param("user", None, id="record auth header"),
        pytest.param("superuser", None, id="superuser auth header"),
        pytest.param("superuser file", None, id="file token in the header"),
        pytest.param("guest", "guest", id="empty token"),
        pytest.param("guest", "bogus", id="invalid token"),
        pytest.param("guest", "user", id="record auth token in query"),
        pytest.param("guest", "user file", id="record file token"),
        pytest.param("guest", "superuser", id="superuser auth token in query"),
        pytest.param("guest", "expired superuser file", id="expired file token"),
        pytest.param("superuser", "user file", id="superuser with another's token"),
    ],
)
def test_it_wants_the_file_token_of_a_superuser(
    api, stored, tokens, key, caller, query
):
    suffix = "" if query is None else f"?token={tokens[query]}"
    assert answer(api.get(f"/api/backups/{key}{suffix}", caller=caller)) == NO_ACCESS


@pytest.mark.django_db(transaction=True, databases="__all__")
def test_it_sends_a_whole_archive(api, article):
    operations.create_backup(operations.claim_create("test.zip", actor="test"))
    content = api.download("test.zip").getvalue()
    names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert "databases/default.sqlite3" in names
    assert f"media/{article.attachment.name}" in names


def test_a_missing_key_is_not_found(api, stored):
    assert answer(api.download("missing.zip")) == error(404, NOT_FOUND)


def test_a_header_next_to_the_token_does_no_harm(api, stored):
    assert api.download("test.zip", caller="user").getvalue() == CONTENT


def test_a_token_may_be_used_again(download):
    assert [download().getvalue() for _ in range(2)] == [CONTENT, CONTENT]


@METHODS
def test_the_headers_forbid_to_keep_or_to_show_it(download, method):
    response = download(method, Accept_Encoding="gzip")
    response.close()
    expected = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-store",
        "Content-Disposition": 'attachment; filename="test.zip"',
        "Content-Length": str(SIZE),
        "Content-Security-Policy": "default-src 'none'; media-src 'self';"
        " style-src 'unsafe-inline'; sandbox",
        "Content-Type": "application/zip",
        "Last-Modified": LAST_MODIFIED,
        "Vary": "Origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "SAMEORIGIN",
        "X-XSS-Protection": "1; mode=block",
    }
    assert response.status_code == 200
    assert response.headers.items() >= expected.items()
    assert "Content-Encoding" not in response


def test_head_sends_no_body(download):
    assert download("HEAD").getvalue() == b""


@pytest.mark.parametrize("suffix", ["&download=1", "&download=0", "&thumb=1"])
def test_other_parameters_change_nothing(api, stored, tokens, suffix):
    target = f"/api/backups/test.zip?token={tokens['superuser file']}{suffix}"
    response = api.get(target, caller="guest")
    assert response.getvalue() == CONTENT
    assert response["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("segment", "key", "disposition"),
    [
        ("%40test4.zip", "@test4.zip", 'filename="@test4.zip"'),
        ("@test4.zip", "@test4.zip", 'filename="@test4.zip"'),
        ("UPPER%20Name.ZIP", "UPPER Name.ZIP", 'filename="UPPER Name.ZIP"'),
        ("%C3%BCn%C3%AF.zip", "ünï.zip", "filename*=utf-8''%C3%BCn%C3%AF.zip"),
        ("%2540x.zip", "%40x.zip", 'filename="%40x.zip"'),
        ("a%22b.zip", 'a"b.zip', 'filename="a\\"b.zip"'),
        ("a+b.zip", "a+b.zip", 'filename="a+b.zip"'),
        ("sub%2Fin.zip", "sub/in.zip", 'filename="in.zip"'),
        ("upload", "upload", 'filename="upload"'),
        ("restore", "restore", 'filename="restore"'),
    ],
)
def test_it_reads_the_key_from_the_path(api, store, segment, key, disposition):
    store.put(key, CONTENT)
    response = api.download(segment)
    assert response.getvalue() == CONTENT
    assert response["Content-Disposition"] == f"attachment; {disposition}"


@pytest.mark.parametrize(
    "segment",
    [
        pytest.param("sub/in.zip", id="raw slash"),
        pytest.param("UPPER+Name.ZIP", id="plus is no space"),
        pytest.param("%40x.zip", id="decoded only once"),
        pytest.param("..%2Fdb.sqlite3", id="upwards"),
        pytest.param("..%2F..%2Fetc%2Fpasswd", id="far upwards"),
        pytest.param("sub%2F..%2F..%2Fdb.sqlite3", id="down and upwards"),
        pytest.param("%2Fetc%2Fpasswd", id="absolute"),
        pytest.param("..%5Cdb.sqlite3", id="backslash"),
        pytest.param("%2e%2e", id="encoded dots"),
        pytest.param("test.zip%00", id="NUL"),
        pytest.param("%FF.zip", id="not UTF-8"),
        pytest.param("sub", id="folder"),
        pytest.param(".partial", id="folder of uploads"),
        pytest.param("TEST.zip", id="other case"),
        pytest.param("x" * 300, id="long"),
    ],
)
def test_whatever_is_no_stored_key_is_not_found(api, stored, segment):
    for key in ("sub/in.zip", "UPPER Name.ZIP", "%40x.zip"):
        stored.put(key)
    (stored.root.parent / "db.sqlite3").touch()
    assert answer(api.download(segment)) == error(404, NOT_FOUND)


@METHODS
@pytest.mark.parametrize(
    ("header", "first", "last"),
    [
        ("bytes=0-3", 0, 3),
        ("bytes=0-0", 0, 0),
        ("bytes=-4", SIZE - 4, SIZE - 1),
        ("bytes=10-", 10, SIZE - 1),
        ("bytes=1000-9999", 1000, SIZE - 1),
        ("bytes=-9999", 0, SIZE - 1),
        ("bytes=0-1,5000-", 0, 1),
    ],
)
def test_it_sends_one_range(download, method, header, first, last):
    response = download(method, Range=header)
    assert response.status_code == 206
    assert response["Content-Range"] == f"bytes {first}-{last}/{SIZE}"
    assert response["Content-Length"] == str(last - first + 1)
    assert response["Content-Type"] == "application/zip"
    expected = CONTENT[first : last + 1] if method == "GET" else b""
    assert response.getvalue() == expected


def test_it_sends_several_ranges(download):
    response = download(Range="bytes=0-1,4-5")
    body = response.getvalue()
    assert response.status_code == 206
    assert response["Content-Length"] == str(len(body))
    head = f"Content-Type: {response['Content-Type']}\r\n\r\n".encode()
    parts = email.message_from_bytes(head + body).get_payload()
    assert [
        (p["Content-Range"], p["Content-Type"], p.get_payload(decode=True))
        for p in parts
    ] == [
        (f"bytes 0-1/{SIZE}", "application/zip", b"\x00\x01"),
        (f"bytes 4-5/{SIZE}", "application/zip", b"\x04\x05"),
    ]


def test_head_of_several_ranges_has_their_length(download):
    response = download("HEAD", Range="bytes=0-1,4-5")
    whole = download(Range="bytes=0-1,4-5")
    assert response.status_code == 206
    assert response["Content-Length"] == whole["Content-Length"]
    assert len(whole.getvalue()) == int(whole["Content-Length"])


def test_ranges_that_overlap_to_more_than_the_file_give_the_file(download):
    response = download(Range="bytes=" + ",".join(["0-"] * 500))
    assert (response.status_code, response.getvalue()) == (200, CONTENT)


@METHODS
@pytest.mark.parametrize(
    ("header", "text", "content_range"),
    [
        ("bytes=999999-", b"invalid range: failed to overlap\n", f"bytes */{SIZE}"),
        ("bytes=5-2", b"invalid range\n", None),
        ("junk=1", b"invalid range\n", None),
    ],
)
def test_it_refuses_a_range(download, method, header, text, content_range):
    response = download(method, Range=header)
    assert response.status_code == 416
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response.get("Content-Range") == content_range
    assert response.content == (text if method == "GET" else b"")
    assert not {"Accept-Ranges", "Last-Modified", "ETag"} & response.headers.keys()


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        pytest.param(LAST_MODIFIED, 206, id="same moment"),
        pytest.param(EARLIER, 200, id="earlier"),
        pytest.param(LATER, 200, id="later"),
        pytest.param('"other"', 200, id="other ETag"),
        pytest.param("junk", 200, id="junk"),
    ],
)
def test_if_range_keeps_a_resumed_download_whole(download, condition, status):
    response = download(Range="bytes=4-", If_Range=condition)
    assert response.status_code == status
    assert response.getvalue() == CONTENT[4 if status == 206 else 0 :]


def test_if_range_knows_the_etag_of_the_answer(download):
    etag = download("HEAD")["ETag"]
    assert download("HEAD", Range="bytes=4-", If_Range=etag).status_code == 206


def test_the_etag_is_a_strong_one_and_changes_with_the_file(download, stored):
    before = download("HEAD")["ETag"]
    stored.put("test.zip", CONTENT, modified_ns=MODIFIED_NS + 1_000_000)
    after = download("HEAD")["ETag"]
    assert before != after
    assert before.startswith('"')


@METHODS
@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("If-Modified-Since", LAST_MODIFIED, 304),
        ("If-Modified-Since", LATER, 304),
        ("If-Modified-Since", EARLIER, 200),
        ("If-Modified-Since", "junk", 200),
        ("If-None-Match", "*", 304),
        ("If-None-Match", '"other"', 200),
        ("If-Unmodified-Since", LAST_MODIFIED, 200),
        ("If-Unmodified-Since", EARLIER, 412),
        ("If-Match", '"other"', 412),
        ("If-Match", "*", 200),
    ],
)
def test_it_heeds_a_condition(download, method, name, value, status):
    response = download(method, **{name: value})
    assert response.status_code == status
    has_body = status == 200 and method == "GET"
    assert response.getvalue() == (CONTENT if has_body else b"")


def test_not_modified_tells_of_no_body(download):
    response = download(If_None_Match=download("HEAD")["ETag"])
    assert (response.status_code, response.getvalue()) == (304, b"")
    assert "Content-Type" not in response
    assert "Content-Length" not in response
    assert response["Last-Modified"] == LAST_MODIFIED


def test_a_failed_condition_comes_before_the_range(download):
    response = download(If_Match='"other"', Range="bytes=0-3")
    assert (response.status_code, response.getvalue()) == (412, b"")


def test_a_running_download_holds_up_no_restore(download):
    response = download()
    with gate.closed(timeout=0):
        assert response.getvalue() == CONTENT


def test_a_delete_does_not_cut_a_running_download(api, download):
    response = download()
    assert answer(api.delete("/api/backups/test.zip")) == EMPTY
    assert response.getvalue() == CONTENT


def test_it_works_during_an_operation(download, busy):
    busy("test.zip")
    assert download().getvalue() == CONTENT


@pytest.mark.parametrize(
    ("ranges", "status"),
    [("", 200), ("bytes=5-", 206), ("bytes=0-9,2000000-", 206)],
)
def test_under_asgi_no_more_than_a_block_is_read_ahead(
    api, store, async_client, ranges, status
):
    content = CONTENT * 3072
    store.put("large.zip", content)
    target = f"/api/backups/large.zip?token={api.tokens['superuser file']}"

    @async_to_sync
    async def ask():
        response = await async_client.get(target, headers={"Range": ranges})
        assert response.is_async
        return response, [part async for part in response]

    response, parts = ask()
    assert response.status_code == status
    assert len(parts) >= 3
    assert max(map(len, parts)) <= 1 << 20
    body = b"".join(parts)
    assert len(body) == int(response["Content-Length"])
    if ranges != "bytes=0-9,2000000-":
        assert body == content[5 if ranges else 0 :]
    response.close()


def test_no_middleware_compresses_it(api, stored, settings):
    settings.MIDDLEWARE = [
        "django.middleware.gzip.GZipMiddleware",
        *settings.MIDDLEWARE,
    ]
    stored.put("test.zip", b"PK\3\4" + bytes(10_000))
    headers = {"Accept-Encoding": "gzip", "Range": "bytes=0-3"}
    response = api.download("test.zip", headers=headers)
    assert "Content-Encoding" not in response
    assert (response["Content-Length"], response.getvalue()) == ("4", b"PK\3\4")
    gone = api.delete("/api/backups/test.zip", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in gone
