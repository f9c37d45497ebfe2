"""The pages in the admin, as a browser without scripts uses them."""

import io
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from backups import site_settings
from backups.archive import ArchiveWriter
from backups.exceptions import StoreFailed
from backups.models import Operation
from backups.site_settings import Stored
from backups.store.local import LocalStore
from backups.templatetags.backups_words import localized
from tests.engine import create, keys, restore
from tests.site.models import Article

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")

EMPTY_ZIP = b"PK\x05\x06" + bytes(18)
NAMES = [
    "changelist",
    "details",
    "download",
    "delete",
    "restore",
    "history",
    "operation",
    "status",
]
ACTIONS = ["create", "upload", "verify", "undo", "settings"]


@pytest.fixture
def root(django_user_model, settings):
    settings.WHITENOISE_USE_FINDERS = False
    client = Client(enforce_csrf_checks=False)
    client.force_login(
        django_user_model.objects.create_superuser("root", "root@example.com", "x")
    )
    return client


def place(name: str, **query: str) -> str:
    return reverse(f"admin:backups_backup_{name}", query=query)


def follow(client: Client, name: str, data=None, **query: str) -> str:
    """Post a form; return the page that it leads to."""
    response = client.post(place(name, **query), data or {}, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def get(client: Client, name: str, **query: str) -> str:
    response = client.get(place(name, **query))
    assert response.status_code == 200
    return response.content.decode()


def test_it_is_found_in_the_index_of_the_admin(root):
    index = root.get(reverse("admin:index")).content.decode()
    assert place("changelist") in index


@pytest.mark.parametrize("name", NAMES + ACTIONS)
def test_guests_are_sent_to_the_login_and_others_are_refused(
    root, django_user_model, name
):
    assert Client().get(place(name)).status_code == 302
    staff = Client()
    staff.force_login(
        django_user_model.objects.create_user("jane", password="x", is_staff=True)
    )
    assert staff.get(place(name)).status_code == 403
    assert place("changelist") not in staff.get("/admin/").content.decode()


@pytest.mark.parametrize("name", ACTIONS)
def test_actions_want_a_post_with_its_token(root, name):
    assert root.get(place(name)).status_code == 405
    careful = Client(enforce_csrf_checks=True)
    careful.cookies = root.cookies
    assert careful.post(place(name)).status_code == 403


def test_every_page_has_a_policy_without_inline_code_and_obeys_it(root, media):
    create("one.zip")
    for name in ("changelist", "details", "delete", "restore", "history"):
        response = root.get(place(name, key="one.zip"))
        assert "script-src 'self';" in response["Content-Security-Policy"]
        content = response.content.decode()
        assert not re.search(
            r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=", content
        )


def test_an_empty_site_says_what_to_do(root):
    page = get(root, "changelist")
    assert "There is no good backup yet." in page
    assert "No backups yet." in page


def test_a_backup_is_made_and_shown(root, media):
    page = follow(root, "create", {"name": "one.zip"})
    assert "Done." in page
    assert keys() == ["one.zip"]
    page = get(root, "changelist")
    assert "The last good backup is <b>one.zip</b>" in page
    assert "manual" in page


@pytest.mark.parametrize("name", ["Bad Name", "one.zip"])
def test_a_name_that_can_not_be_is_refused_in_words(root, media, name):
    create("one.zip")
    page = follow(root, "create", {"name": name})
    assert 'class="error"' in page
    assert keys() == ["one.zip"]


def test_an_archive_is_uploaded_examined_and_shown(root, media):
    create("one.zip")
    content = (settings.DATA_DIR / "backups" / "one.zip").read_bytes()
    sent = SimpleUploadedFile("two.zip", content)
    page = follow(root, "upload", {"file": sent})
    assert "Stored “two.zip”" in page
    assert "uploaded" in page
    assert "site_article" in page


def test_a_zip_that_is_no_archive_is_stored_and_called_so(root):
    page = follow(root, "upload", {"file": SimpleUploadedFile("x.zip", EMPTY_ZIP)})
    assert "This is no archive that could be restored here" in page


def test_an_upload_without_its_token_stores_nothing(root):
    careful = Client(enforce_csrf_checks=True)
    careful.cookies = root.cookies
    sent = SimpleUploadedFile("x.zip", EMPTY_ZIP)
    assert careful.post(place("upload"), {"file": sent}).status_code == 403
    assert keys() == []


def test_a_script_that_uploads_gets_json(root):
    for content, status in ((EMPTY_ZIP, 200), (b"text", 400)):
        response = root.post(
            place("upload"),
            {"file": SimpleUploadedFile("x.zip", content)},
            headers={"accept": "application/json"},
        )
        assert response.status_code == status
        assert {*response.json()} == ({"url"} if status == 200 else {"message"})


def test_an_upload_that_was_cut_stores_nothing(root):
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.zip"\r\n\r\n'
    ) + EMPTY_ZIP
    response = root.post(
        place("upload"), body, content_type="multipart/form-data; boundary=x"
    )
    assert response.status_code == 302
    assert keys() == []


def test_details_tell_what_is_inside(root, article, media):
    create("one.zip")
    page = get(root, "details", key="one.zip")
    assert "Database default" in page
    assert "site.0001_initial" in page


def test_download_leads_to_a_link_that_needs_no_login_and_can_be_resumed(root, media):
    create("one.zip")
    link = root.get(place("download", key="one.zip")).headers["Location"]
    response = Client().get(link, headers={"range": "bytes=0-3"})
    assert response.status_code == 206
    assert response.getvalue() == b"PK\x03\x04"


def test_a_link_whose_token_is_over_sends_a_superuser_to_a_new_one(root, media):
    create("one.zip")
    stale = place("download", key="one.zip", token="stale")
    assert "/login/" in Client().get(stale).headers["Location"]
    response = root.get(stale, follow=True)
    assert response.getvalue().startswith(b"PK")
    assert len(response.redirect_chain) == 1


@pytest.mark.parametrize("name", ["changelist", "download", "details"])
def test_superusers_from_elsewhere_are_refused_as_by_the_api(root, name):
    site_settings.change({"superuserIPs": ["10.0.0.0/8"]})
    assert root.get(place(name, key="one.zip")).status_code == 403
    near = {"REMOTE_ADDR": "10.1.2.3"}
    assert root.get(place("changelist"), **near).status_code == 200


def test_delete_asks_once_more(root, media):
    create("one.zip")
    assert "This deletes <b>one.zip</b>" in get(root, "delete", key="one.zip")
    assert keys() == ["one.zip"]
    assert "Deleted “one.zip”." in follow(root, "delete", key="one.zip")
    assert keys() == []


def test_delete_of_a_protected_safety_copy_says_until_when(
    root, article, media, django_user_model
):
    create("one.zip")
    restore("one.zip")
    root.force_login(django_user_model.objects.get(username="root"))
    (copy,) = (key for key in keys() if key != "one.zip")
    page = get(root, "delete", key=copy)
    assert "undoes a restore, so it is protected until" in page
    assert "Yes, delete it" not in page


def test_verify_shows_its_outcome(root, article, media):
    create("one.zip")
    page = follow(root, "verify", key="one.zip")
    assert "one.zip is whole and could be restored here." in page
    path = settings.DATA_DIR / "backups" / "one.zip"
    path.write_bytes(path.read_bytes()[:-200])
    follow(root, "verify", key="one.zip")
    assert "backups-flaw" in get(root, "changelist")


def test_restore_shows_what_will_change_and_wants_the_name(root, article, media):
    create("one.zip")
    Article.objects.create(title="second")
    page = get(root, "restore", key="one.zip")
    assert "site_article" in page
    wrong = {"name": "one", "safety_copy": "on"}
    page = root.post(place("restore", key="one.zip"), wrong).content.decode()
    assert "That is not the name; nothing was changed." in page
    assert Article.objects.count() == 2


def test_restore_and_undo(root, article, media, django_user_model):
    create("one.zip")
    Article.objects.create(title="second")
    right = {"name": "one.zip", "safety_copy": "on"}
    response = root.post(place("restore", key="one.zip"), right)
    assert response.status_code == 302
    assert Article.objects.count() == 1
    done = Operation.objects.get(kind="restore")
    user = django_user_model.objects.get(username="root")
    root.force_login(user)  # The session was newer than the archive.
    page = get(root, "operation", id=str(done.token))
    assert "The site was restored from one.zip." in page
    assert "Undo this restore" in page
    root.post(place("undo", id=str(done.token)))
    assert Article.objects.count() == 2


def test_the_schedule_is_saved_where_the_api_has_it(root):
    page = follow(root, "settings", {"cron": "0 3 * * *", "keep": "7"})
    assert "The schedule was saved." in page
    assert (Stored.load().cron, Stored.load().max_keep) == ("0 3 * * *", 7)
    assert "Next automatic one:" in page
    page = follow(root, "settings", {"cron": "nonsense", "keep": "7"})
    assert "Invalid cron expression" in page


def test_a_failure_is_told_until_something_succeeds(root, article, media):
    create("one.zip")
    path = settings.DATA_DIR / "backups" / "one.zip"
    path.write_bytes(b"PK\x03\x04")
    follow(root, "verify", key="one.zip")
    assert "The last operation failed" in get(root, "changelist")
    create("two.zip")
    assert "The last operation failed" not in get(root, "changelist")


def test_status_tells_a_script_what_runs(root, busy, media):
    assert root.get(place("status")).json() == {"idle": True, "operation": None}
    create("one.zip")
    token = str(Operation.objects.get().token)
    told = root.get(place("status", id=token)).json()["operation"]
    assert (told["id"], told["state"]) == (token, "succeeded")
    release = busy()
    assert root.get(place("status")).json()["idle"] is False
    assert "disabled" in get(root, "changelist")
    release()


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("details", {"key": "missing.zip"}),
        ("restore", {"key": "../x"}),
        ("delete", {}),
        ("operation", {"id": "nonsense"}),
    ],
)
def test_what_is_not_there_is_not_found(root, name, query):
    assert root.get(place(name, **query)).status_code == 404


def test_a_broken_storage_is_told_on_the_page(root, broken_store):
    assert "can&#x27;t be read" in get(root, "changelist")


def test_names_are_escaped_wherever_they_stand(root):
    key = "<b>&\"'.zip"
    folder = Path(settings.DATA_DIR / "backups")
    folder.mkdir(exist_ok=True)
    (folder / key).write_bytes(EMPTY_ZIP)
    page = get(root, "changelist") + get(root, "details", key=key)
    assert key not in page
    assert "&lt;b&gt;&amp;&quot;&#x27;.zip" in page


def test_many_are_shown_by_pages_and_found_by_name(root):
    folder = Path(settings.DATA_DIR / "backups")
    folder.mkdir(exist_ok=True)
    for number in range(120):
        (folder / f"many-{number:03}.zip").write_bytes(EMPTY_ZIP)
    page = get(root, "changelist")
    assert page.count("many-") < 60 * 8
    assert "page 1 of 3" in page
    found = get(root, "changelist", q="many-07")
    assert "many-075.zip" in found
    assert "many-001.zip" not in found


def test_it_speaks_german(root, media, settings):
    settings.LANGUAGE_CODE = "de"
    create("one.zip")
    page = get(root, "changelist")
    assert "Jetzt sichern" in page
    assert "Die letzte gute Sicherung ist <b>one.zip</b>" in page
    assert "von Hand" in page


def test_a_refusal_is_german_on_the_page_and_english_in_the_history(
    root, media, settings
):
    settings.LANGUAGE_CODE = "de"
    create("one.zip")
    assert "gibt es schon" in follow(root, "create", {"name": "one.zip"})
    path = settings.DATA_DIR / "backups" / "one.zip"
    path.write_bytes(path.read_bytes()[:-200])
    page = follow(root, "verify", key="one.zip")
    failed = Operation.objects.get(kind="verify")
    assert failed.error.startswith("The ")
    assert failed.error not in page
    assert localized(failed.reason) != failed.error
    follow(root, "settings", {"cron": "* *", "keep": "7"})
    page = follow(root, "settings", {"cron": "* *", "keep": "7"})
    assert "Invalid cron" not in page


def test_an_operation_tells_its_phases_and_how_long_each_took(root, article, media):
    page = follow(root, "create", {"name": "one.zip"})
    for words in ("begun by root", "saving the databases", "storing the archive"):
        assert words in page
    made = Operation.objects.get()
    assert [name for name, _ in made.phases] == ["databases", "media", "storing"]


def test_a_list_says_what_is_inside(root, media):
    create("one.zip")
    assert "2 databases, 3 files" in get(root, "changelist")
    content = (settings.DATA_DIR / "backups" / "one.zip").read_bytes()
    root.post(place("upload"), {"file": SimpleUploadedFile("two.zip", content)})
    assert get(root, "changelist").count("2 databases, 3 files") == 2


def test_an_archive_of_another_site_is_told_by_its_details(root, media, settings):
    create("one.zip")
    settings.BACKUPS = {**settings.BACKUPS, "MEDIA": None}
    page = get(root, "details", key="one.zip")
    assert "It can't be restored here: The archive holds media" in page


@pytest.mark.parametrize("many", [10, 60])
def test_the_number_of_queries_does_not_grow(root, many, django_assert_max_num_queries):
    folder = Path(settings.DATA_DIR / "backups")
    folder.mkdir(exist_ok=True)
    for number in range(many):
        (folder / f"many-{number:03}.zip").write_bytes(EMPTY_ZIP)
    with django_assert_max_num_queries(20):
        get(root, "changelist")


@pytest.mark.parametrize(
    "databases", [5, {"default": 5}, {"default": {"migrations": ["x"]}}]
)
def test_an_archive_that_describes_itself_wrongly_is_stored_and_called_so(
    root, databases
):
    sink = io.BytesIO()
    with ArchiveWriter(sink) as writer:
        writer.finish({"databases": databases})
    upload = SimpleUploadedFile("odd.zip", sink.getvalue())
    page = follow(root, "upload", {"file": upload})
    assert "This is no archive that could be restored here" in page
    assert keys() == ["odd.zip"]


@pytest.mark.parametrize("name", ["details", "delete", "restore", "download"])
def test_a_storage_that_does_not_answer_is_told_above_the_page(
    root, media, monkeypatch, name
):
    def fail(store, key):
        raise StoreFailed("The storage is out of order.")

    monkeypatch.setattr(LocalStore, "stat", fail)
    response = root.get(place(name, key="one.zip"), follow=True)
    assert response.status_code == 200
    assert "The storage is out of order." in response.content.decode()
