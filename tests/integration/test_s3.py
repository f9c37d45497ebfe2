"""What keeping archives in S3 does by itself, against a server over a socket."""

import logging
import os
import subprocess
import sys
import traceback

import pytest
from django.conf import settings

from backups import operations, site_settings
from backups.exceptions import (
    BackupError,
    BackupNotFound,
    Misconfigured,
    NameTaken,
    RestoreRefused,
    StoreFailed,
)
from backups.operations import space
from backups.store import get_store
from backups.store.s3_incoming import part_size
from tests.buckets import SECRET
from tests.s3_server import refusal

pytestmark = pytest.mark.django_db

MB = 1 << 20


@pytest.fixture
def store(bucket):
    return bucket.choose()


def put(store, key="a.zip", content=b"PK"):
    with store.receive(key) as incoming:
        incoming.write(content)
        incoming.publish()


def notes():
    return list((settings.DATA_DIR / "workspace" / "incoming-s3").glob("*"))


# Writing ---------------------------------------------------------------------


def test_a_small_archive_is_one_request(bucket, store):
    put(store)
    assert len(bucket.server.named("PUT")) == 2  # The bucket, and this.
    assert bucket.server.named("POST") == []


def test_a_large_archive_goes_in_parts_of_one_size(bucket, store):
    put(store, content=os.urandom(35 * MB))
    parts = bucket.server.named("PUT", "partNumber")
    sizes = sorted(part.size for part in parts)
    assert sizes == [3 * MB, *[8 * MB] * 4]
    assert store.list()[0].size == 35 * MB


def test_ten_thousand_parts_hold_more_than_400_gb():
    assert sum(part_size(number) for number in range(1, 10_001)) > 400e9


def test_what_is_given_up_leaves_nothing_on_the_server(bucket, store):
    with store.receive("half.zip") as incoming:
        incoming.write(bytes(20 * MB))
        assert bucket.uploads() == ["half.zip"]
    assert (bucket.uploads(), bucket.keys(), notes()) == ([], [], [])


def test_a_part_that_fails_is_told_and_leaves_nothing(bucket, store):
    def fail(request):
        if request.query.get("partNumber") == ["2"]:
            return refusal("403 Forbidden", "QuotaExceeded")

    bucket.server.before = fail
    with (
        pytest.raises(StoreFailed, match=r"can't be stored \(QuotaExceeded\)\.$"),
        store.receive("half.zip") as incoming,
    ):
        incoming.write(bytes(80 * MB))
    assert len(bucket.server.named("PUT", "partNumber")) < 8
    assert (bucket.uploads(), bucket.keys(), notes()) == ([], [], [])


def test_a_part_that_fails_last_keeps_the_archive_from_being_published(bucket, store):
    def fail(request):
        if request.query.get("partNumber") == ["2"]:
            return refusal("403 Forbidden", "QuotaExceeded")

    bucket.server.before = fail
    with store.receive("half.zip") as incoming:
        incoming.write(bytes(9 * MB))
        with pytest.raises(StoreFailed, match="QuotaExceeded"):
            incoming.publish()
    assert (bucket.uploads(), bucket.keys(), notes()) == ([], [], [])


def test_an_upload_that_is_gone_on_the_server_is_told(bucket, store):
    with store.receive("half.zip") as incoming:
        incoming.write(bytes(9 * MB))
        (upload,) = bucket.client.list_multipart_uploads(Bucket=bucket.name)["Uploads"]
        bucket.client.abort_multipart_upload(
            Bucket=bucket.name, Key="half.zip", UploadId=upload["UploadId"]
        )
        with pytest.raises(StoreFailed, match="can't be stored"):
            incoming.publish()
    assert (bucket.keys(), notes()) == ([], [])


@pytest.mark.parametrize("size", [1, 9 * MB])
def test_a_name_taken_between_check_and_publish_is_not_replaced(bucket, store, size):
    def take(request):
        if request.method == "HEAD":  # The check has its answer: it is free.
            bucket.server.after = lambda request: None
            bucket.client.put_object(Bucket=bucket.name, Key="a.zip", Body=b"theirs")

    def refuse(request):
        # As Amazon does; moto knows conditions of a single PUT only.
        if request.method == "POST" and "if-none-match" in request.headers:
            return refusal("412 Precondition Failed", "PreconditionFailed")

    with store.receive("a.zip") as incoming:
        incoming.write(bytes(size))
        bucket.server.after, bucket.server.before = take, refuse
        with pytest.raises(NameTaken):
            incoming.publish()
    with store.open(store.require("a.zip")) as file:
        assert file.read() == b"theirs"
    assert (bucket.uploads(), notes()) == ([], [])


@pytest.mark.parametrize("size", [1, 9 * MB])
@pytest.mark.parametrize(
    ("status", "code"),
    [("501 Not Implemented", "NotImplemented"), ("400 Bad Request", "InvalidArgument")],
)
def test_a_server_without_conditions_is_served_without(
    bucket, store, size, status, code
):
    def refuse(request):
        return refusal(status, code) if "if-none-match" in request.headers else None

    bucket.server.before = refuse
    put(store, content=bytes(size))
    assert store.require("a.zip").size == size
    with pytest.raises(NameTaken):
        put(store, content=bytes(size))


@pytest.mark.parametrize("size", [1, 9 * MB])
def test_a_lost_answer_does_not_make_a_stored_archive_a_failure(bucket, store, size):
    lost = []

    def lose(request):
        if "if-none-match" in request.headers and not lost:
            lost.append(request)
            return refusal("500 Internal Server Error", "InternalError")

    bucket.server.after = lose
    put(store, content=bytes(size))
    assert lost
    assert store.require("a.zip").size == size


# What dead writers leave -------------------------------------------------------

KILLED = """
import os, signal
import django; django.setup()
from django.conf import settings
from backups.store import s3
from backups.site_settings import S3
store = s3.S3Store(s3.connect(S3(**{chosen!r})))
incoming = store.receive("half.zip")
incoming.write(bytes(9 << 20))
os.kill(os.getpid(), signal.SIGKILL)
"""


def die_uploading(bucket):
    chosen = {
        "bucket": bucket.name,
        "region": "us-east-1",
        "endpoint": bucket.server.endpoint,
        "access_key": "test",
        "secret": "test",
        "force_path_style": True,
    }
    done = subprocess.run(
        [sys.executable, "-c", KILLED.format(chosen=chosen)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -9, done.stderr
    assert bucket.uploads() == ["half.zip"]
    assert len(notes()) == 1


def test_the_upload_of_a_killed_writer_is_swept(bucket, store):
    die_uploading(bucket)
    store.sweep()
    assert (bucket.uploads(), bucket.keys(), notes()) == ([], [], [])


@pytest.mark.django_db(transaction=True, databases="__all__")
def test_the_next_operation_sweeps(bucket, store):
    die_uploading(bucket)
    operations.create_backup(operations.claim_create("a.zip", actor="test"))
    assert (bucket.uploads(), bucket.keys(), notes()) == ([], ["a.zip"], [])


def test_a_sweep_spares_the_upload_of_a_living_writer(bucket, store):
    with store.receive("half.zip") as incoming:
        incoming.write(bytes(9 * MB))
        store.sweep()
        assert (bucket.uploads(), len(notes())) == (["half.zip"], 1)
        incoming.publish()
    assert (bucket.keys(), notes()) == (["half.zip"], [])


def test_an_upload_that_was_never_named_is_found_by_its_key(bucket, store):
    die_uploading(bucket)
    (note,) = notes()
    note.write_text(note.read_text().split("\n")[0] + "\n")
    with store.receive("half.zip") as incoming:
        incoming.write(bytes(9 * MB))
        store.sweep()
        assert (bucket.uploads(), len(notes())) == (["half.zip"], 1)
        incoming.publish()


def test_what_cannot_be_aborted_now_is_aborted_later(bucket, store, caplog):
    die_uploading(bucket)
    bucket.server.before = lambda request: refusal("403 Forbidden", "AccessDenied")
    store.sweep()
    assert len(notes()) == 1
    assert "can't be aborted (AccessDenied)" in caplog.text
    bucket.server.reset()
    store.sweep()
    assert (bucket.uploads(), notes()) == ([], [])


def test_an_upload_that_is_gone_is_forgotten(bucket, store):
    die_uploading(bucket)
    bucket.client.abort_multipart_upload(
        Bucket=bucket.name,
        Key="half.zip",
        UploadId=bucket.client.list_multipart_uploads(Bucket=bucket.name)["Uploads"][0][
            "UploadId"
        ],
    )
    store.sweep()
    assert notes() == []


def test_the_uploads_of_another_bucket_wait_for_it(bucket, store):
    die_uploading(bucket)
    bucket.client.create_bucket(Bucket=f"{bucket.name}-2")
    bucket.choose(bucket=f"{bucket.name}-2").sweep()
    assert (bucket.uploads(), len(notes())) == (["half.zip"], 1)


def test_a_discard_that_cannot_abort_leaves_it_to_the_sweep(bucket, store):
    with store.receive("half.zip") as incoming:
        incoming.write(bytes(9 * MB))
        bucket.server.before = lambda request: refusal("403 Forbidden", "AccessDenied")
    incoming.discard()
    assert len(notes()) == 1
    bucket.server.reset()
    store.sweep()
    assert (bucket.uploads(), notes()) == ([], [])


# Reading -----------------------------------------------------------------------


def test_a_list_is_one_request_for_a_thousand_keys(bucket, store):
    for number in range(1001):
        bucket.server.place(bucket.name, f"{number:04}.zip")
    bucket.server.requests.clear()
    assert len(store.list()) == 1001
    assert [request.method for request in bucket.server.requests] == ["GET", "GET"]


def test_a_download_asks_for_the_head_of_its_object_once(bucket, store):
    put(store)
    bucket.server.requests.clear()
    found = operations.find_backup("a.zip")
    with operations.open_backup(found) as file:
        assert len(file.read()) == found.size
    assert [request.method for request in bucket.server.requests] == ["HEAD", "GET"]


@pytest.mark.django_db(transaction=True, databases="__all__")
def test_the_details_of_a_backup_ask_for_its_head_once(bucket, store, article):
    operations.create_backup(operations.claim_create("a.zip", actor="test"))
    bucket.server.requests.clear()
    found = operations.find_backup("a.zip")
    assert operations.describe_backup(found).size == found.size
    assert operations.read_manifest(found)["format"] == 1
    methods = [request.method for request in bucket.server.requests]
    assert methods.count("HEAD") == 1


def test_a_list_says_what_the_server_says_whatever_the_keys(bucket, store):
    for key in ("a.zip", "b c.zip", "d+e%20&<f>.zip", "ö 漢.zip", "folder/g.zip"):
        bucket.server.place(bucket.name, key)
    known = bucket.client.list_objects_v2(Bucket=bucket.name)["Contents"]
    assert [tuple(item) for item in store.list()] == sorted(
        (item["Key"], item["Size"], item["LastModified"], item["ETag"])
        for item in known
    )


ODD_LIST = """<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
<IsTruncated>false</IsTruncated><KeyCount>1</KeyCount>
<Contents><Key>a.zip</Key><Size>3</Size><ETag>"x"</ETag>
<LastModified>{time}</LastModified></Contents></ListBucketResult>"""


@pytest.mark.parametrize(
    "time",
    [
        "2026-01-02T03:04:05.000Z",
        "2026-01-02T03:04:05Z",
        "2026-01-02T03:04:05.123456789Z",
        "Fri, 02 Jan 2026 03:04:05 GMT",
        "1767323045",
    ],
)
def test_a_list_takes_the_times_of_any_server(bucket, store, time):
    bucket.server.before = lambda _: ("200 OK", ODD_LIST.format(time=time).encode())
    (item,) = store.list()
    assert (item.key, item.size) == ("a.zip", 3)
    assert item.modified.replace(microsecond=0).isoformat() == (
        "2026-01-02T03:04:05+00:00"
    )


@pytest.mark.parametrize("body", [b"<ListBucketResult><Contents/>", b"gone"])
def test_an_answer_that_is_no_list_is_told(bucket, store, body):
    bucket.server.before = lambda _: ("200 OK", body)
    with pytest.raises(StoreFailed, match="The backups can't be listed"):
        store.list()


def test_a_seek_and_a_read_transfer_little_more_than_is_read(bucket, store):
    content = os.urandom(20 * MB)
    put(store, content=content)
    with store.open(store.require("a.zip")) as file:
        file.seek(10 * MB)
        assert file.read(100) == content[10 * MB : 10 * MB + 100]
        file.seek(5 * MB)
        assert file.read(100) == content[5 * MB : 5 * MB + 100]
    assert bucket.server.bytes_read <= 2 * (64 << 10)


def test_reading_through_takes_few_requests_and_no_byte_twice(bucket, store):
    put(store, content=bytes(20 * MB))
    bucket.server.requests.clear()
    with store.open(store.require("a.zip")) as file:
        while file.read(MB):
            pass
    assert bucket.server.bytes_read == 20 * MB
    assert len(bucket.server.named("GET")) < 8


def test_a_small_step_forward_asks_for_nothing_anew(bucket, store):
    content = os.urandom(20 * MB)
    put(store, content=content)
    with store.open(store.require("a.zip")) as file:
        file.read(8 * MB)
        asked = len(bucket.server.requests)
        file.seek(50_000, os.SEEK_CUR)
        start = 8 * MB + 50_000
        assert file.read(10) == content[start : start + 10]
    assert len(bucket.server.requests) == asked


def test_an_archive_replaced_meanwhile_is_not_mixed_with_the_new_one(bucket, store):
    put(store, content=bytes(MB))
    with store.open(store.require("a.zip")) as file:
        file.read(10)
        bucket.client.put_object(Bucket=bucket.name, Key="a.zip", Body=b"1" * MB)
        with pytest.raises(StoreFailed, match="PreconditionFailed"):
            file.read()


def test_an_archive_deleted_meanwhile_is_not_found(bucket, store):
    put(store, content=bytes(MB))
    with store.open(store.require("a.zip")) as file:
        file.read(10)
        store.delete("a.zip")
        with pytest.raises(BackupNotFound, match=r"a\.zip"):
            file.read()


def test_a_connection_that_breaks_is_taken_up_where_it_broke(bucket, store):
    content = os.urandom(3 * MB)
    put(store, content=content)
    bucket.server.break_off = [100_000, 1 * MB]
    with store.open(store.require("a.zip")) as file:
        assert file.read() == content
    assert bucket.server.break_off == []


def test_an_archive_is_fetched_in_parts_at_a_time(bucket, store, tmp_path):
    content = os.urandom(40 * MB)
    put(store, content=content)
    bucket.server.requests.clear()
    assert store.local_path("a.zip", tmp_path).read_bytes() == content
    assert len(bucket.server.named("GET")) == 3
    assert bucket.server.bytes_read == 40 * MB


def test_what_cannot_be_fetched_is_told(bucket, store, tmp_path):
    put(store, content=bytes(40 * MB))

    def fail(request):
        if request.method == "GET":
            return refusal("403 Forbidden", "AccessDenied")

    bucket.server.before = fail
    with pytest.raises(StoreFailed, match="AccessDenied"):
        store.local_path("a.zip", tmp_path)


def test_an_archive_larger_than_the_disk_is_not_fetched(tmp_path):
    with pytest.raises(RestoreRefused, match="not enough free space"):
        space.require_free([(tmp_path, 1 << 60)])


# Which bucket ------------------------------------------------------------------


def s3_alias(bucket, **options):
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": bucket.name,
            "endpoint_url": bucket.server.endpoint,
            "region_name": "us-east-1",
            "access_key": "test",
            "secret_key": SECRET,
            **options,
        },
    }


def test_a_storage_of_the_project_in_s3_keeps_to_its_location(
    bucket, settings, tmp_path
):
    alias = s3_alias(bucket, location="site/backups")
    settings.STORAGES = {**settings.STORAGES, "backups": alias}
    store = get_store()
    bucket.client.put_object(Bucket=bucket.name, Key="other/b.zip", Body=b"")
    bucket.client.put_object(Bucket=bucket.name, Key="site/backups/", Body=b"")
    put(store, content=bytes(9 * MB))
    put(store, "b/c.zip")

    assert [item.key for item in store.list()] == ["a.zip", "b/c.zip"]
    assert "site/backups/a.zip" in bucket.keys()
    assert store.local_path("a.zip", tmp_path).stat().st_size == 9 * MB
    operations.probe_store()
    store.delete("a.zip")
    assert store.find("a.zip") is None


def test_what_the_project_says_of_other_buckets_is_not_mixed_in(bucket, settings):
    settings.AWS_LOCATION = "elsewhere"
    settings.AWS_S3_SESSION_PROFILE = "nobody"
    settings.AWS_S3_OBJECT_PARAMETERS = {"ContentType": "text/plain"}
    put(bucket.choose())
    assert bucket.keys() == ["a.zip"]
    head = bucket.client.head_object(Bucket=bucket.name, Key="a.zip")
    assert head["ContentType"] == "application/zip"


def test_the_properties_that_the_project_wants_are_given(bucket, settings):
    wanted = {"CacheControl": "no-store", "Metadata": {"by": "us"}}
    alias = s3_alias(bucket, object_parameters=wanted)
    settings.STORAGES = {**settings.STORAGES, "backups": alias}
    for key, size in (("small.zip", 1), ("large.zip", 9 * MB)):
        put(get_store(), key, bytes(size))
        head = bucket.client.head_object(Bucket=bucket.name, Key=key)
        assert (head["CacheControl"], head["Metadata"]["by"]) == ("no-store", "us")


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("s3.example.com", "https://s3.example.com"),
        ("s3.example.com:9000//", "https://s3.example.com:9000"),
        ("http://s3.example.com/", "http://s3.example.com"),
    ],
)
@pytest.mark.parametrize("force", [True, False])
def test_the_address_is_made_as_pocketbase_does(bucket, endpoint, url, force):
    store = bucket.choose(endpoint=endpoint, forcePathStyle=force)
    signed = store.bucket.client.generate_presigned_url(
        "get_object", Params=store.bucket.object("a.zip")
    )
    scheme, host = url.split("://")
    expected = (
        f"{url}/{bucket.name}/a.zip"
        if force
        else f"{scheme}://{bucket.name}.{host}/a.zip"
    )
    assert signed.split("?")[0] == expected


def test_nothing_waits_forever(bucket, store):
    config = store.bucket.client.meta.config
    assert (config.connect_timeout, config.read_timeout) == (10, 60)


def test_the_client_is_made_once(bucket, store):
    assert get_store().bucket.client is store.bucket.client


# What is said when it fails ----------------------------------------------------


def test_a_bucket_that_is_not_there_is_told(bucket):
    store = bucket.choose(bucket="no-such-bucket")
    with pytest.raises(StoreFailed) as error:
        put(store)
    assert str(error.value) == "The backup can't be stored (NoSuchBucket)."
    with pytest.raises(StoreFailed) as error:
        store.list()
    assert str(error.value) == "The backups can't be listed (NoSuchBucket)."
    with pytest.raises(StoreFailed) as error:
        operations.probe_store()
    assert str(error.value) == (
        "failed to upload a test file: The backup can't be stored (NoSuchBucket)."
    )


def test_nothing_that_is_said_or_logged_holds_a_secret(bucket, caplog, settings):
    caplog.set_level(logging.DEBUG)

    def refuse(request):
        return refusal("403 Forbidden", f"{SECRET} at http://x/", SECRET)

    bucket.server.before = refuse
    assert SECRET not in repr(bucket.choose()) + repr(site_settings.Stored.load().s3())
    texts = []
    for act in (
        lambda store: store.list(),
        lambda store: store.require("a.zip"),
        lambda store: store.open(store.require("a.zip")),
        lambda store: put(store, content=bytes(9 * MB)),
        lambda store: operations.probe_store(),
    ):
        with pytest.raises(StoreFailed) as error:
            act(get_store())
        texts += [str(error.value), repr(error.value)]
    get_store().sweep()
    texts += [record.getMessage() for record in caplog.records if is_ours(record)]
    assert SECRET not in " ".join(texts)
    assert "http" not in " ".join(texts)


def is_ours(record):
    return record.name.startswith("backups")


def test_the_secret_never_reaches_the_server_nor_any_log(bucket, caplog):
    caplog.set_level(logging.DEBUG)
    put(bucket.choose())
    try:
        bucket.choose(bucket="no-such-bucket").list()
    except BackupError:
        said = traceback.format_exc()
    assert SECRET not in said + " ".join(caplog.messages)
    assert SECRET not in repr(bucket.server.requests)


def test_a_server_that_does_not_answer_is_told_by_the_kind_of_error(bucket):
    # Port 1 refuses at once; each try waits a little longer.
    store = bucket.choose(endpoint="http://127.0.0.1:1")
    with pytest.raises(StoreFailed) as error:
        store.stat("a.zip")
    assert str(error.value) == "The storage can't be read (EndpointConnectionError)."


def test_it_says_what_to_install(bucket, monkeypatch):
    import backups.store

    monkeypatch.delattr(backups.store, "s3", raising=False)
    monkeypatch.delitem(sys.modules, "backups.store.s3", raising=False)
    monkeypatch.setitem(sys.modules, "storages.backends.s3", None)
    with pytest.raises(Misconfigured, match=r'pip install "django-site-backups\[s3\]"'):
        bucket.choose()
