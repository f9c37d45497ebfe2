"""Mail about automatic backups that failed."""

import uuid

import pytest
from django.core import mail
from django.utils import timezone

from backups import site_settings
from backups.models import Operation
from backups.operations import history
from backups.texts import Text

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


@pytest.fixture(autouse=True)
def people(django_user_model):
    users = django_user_model.objects
    users.create_superuser("root", "root@example.com", "x")
    users.create_superuser("second", "second@example.com", "x")
    users.create_superuser("no-address", "", "x")
    users.create_superuser("gone", "gone@example.com", "x", is_active=False)
    users.create_user("jane", "jane@example.com", "x")


def fail(key: str = "@auto_pb_backup_x.zip", kind: str = "create", error="The disk."):
    token = uuid.uuid4()
    Operation.objects.create(token=token, kind=kind, key=key, started=timezone.now())
    history.conclude(token, Operation.State.FAILED, Text(error))
    history.announce(token)
    return token


def test_each_superuser_gets_a_mail_of_its_own_with_the_cause():
    site_settings.change({"meta": {"appName": "Shop & <Co>"}})
    token = fail(error="The backup can't be stored: No space left & <more>.")
    assert sorted(m.to for m in mail.outbox) == [
        ["root@example.com"],
        ["second@example.com"],
    ]
    sent = mail.outbox[0]
    assert sent.subject == "[Shop & <Co> system alert] Autobackup failure"
    assert "The backup can't be stored: No space left & <more>." in sent.body
    assert "No automatic backup was ever stored." in sent.body
    assert str(token) in sent.body


def test_it_tells_the_last_one_that_was_stored():
    history.record(Operation.Kind.CREATE, "@auto_pb_backup_good.zip", "schedule")
    fail()
    assert "@auto_pb_backup_good.zip" in mail.outbox[0].body


@pytest.mark.parametrize(
    ("key", "kind"), [("manual.zip", "create"), ("@auto_pb_backup_x.zip", "restore")]
)
def test_who_waits_for_the_outcome_needs_no_mail(key, kind):
    fail(key, kind)
    assert mail.outbox == []


def test_a_success_needs_no_mail():
    history.record(Operation.Kind.CREATE, "@auto_pb_backup_x.zip", "schedule")
    assert mail.outbox == []


def test_an_operation_that_died_is_told_when_the_next_one_begins(media):
    from tests.engine import create

    Operation.objects.create(
        kind="create", key="@auto_pb_backup_x.zip", started=timezone.now()
    )
    create("next.zip")
    assert len(mail.outbox) == 2
    assert history.INTERRUPTED in mail.outbox[0].body


def test_a_mail_server_that_fails_is_only_logged(settings, caplog):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_PORT = 9
    token = fail()
    assert f"The mail about operation {token} was not sent." in caplog.text
