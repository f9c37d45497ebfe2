"""Secrets at rest: encrypted with a key that is derived from ``SECRET_KEY``."""

import base64
from typing import Any

from django.conf import settings
from django.utils.crypto import salted_hmac

from backups.texts import gettext_noop as _

from .exceptions import Misconfigured

SALT = "backups.encryption"


def encrypt(text: str) -> str:
    """Return *text* as an authenticated token (Fernet). Raises Misconfigured."""
    return _fernet().encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """Return the text of a token made under the present or a former SECRET_KEY.

    Former keys are those in ``SECRET_KEY_FALLBACKS``. Raises Misconfigured.
    """
    from cryptography.fernet import InvalidToken

    try:
        return _fernet().decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise Misconfigured(
            _(
                "The stored secret can't be read, because SECRET_KEY has changed;"
                " enter it again."
            )
        ) from error


def _fernet() -> Any:
    try:
        from cryptography.fernet import Fernet, MultiFernet
    except ImportError as error:
        raise Misconfigured(
            _('Keeping archives in S3 needs: pip install "django-site-backups[s3]"')
        ) from error
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(_derive(key)) for key in keys])


def _derive(secret: str | bytes) -> bytes:
    digest = salted_hmac(SALT, "fernet", secret=secret, algorithm="sha256").digest()
    return base64.urlsafe_b64encode(digest)
