"""The secret key: made once, kept in a file that only its owner can read."""

import os
from pathlib import Path

from django.core.management.utils import get_random_secret_key


def load_secret_key(path: Path) -> str:
    """Return the key in *path*, which is made with mode 0600 if it is not there.

    Of several processes that start at once, one makes it and all read it.
    """
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(get_random_secret_key())
        try:
            os.link(draft, path)  # Refuses to replace.
        except FileExistsError:
            pass  # Another process was first.
        finally:
            draft.unlink()
    return path.read_text()
