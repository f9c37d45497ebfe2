"""The verbs that are tortured: how each is begun, and how each may end."""

import abc
import hashlib
import shutil
from typing import Any

from tests.live.crash import Ended
from tests.live.server import wait_until

from .places import OLD, Patient

KEY = "made.zip"


class Verb(abc.ABC):
    """One command on one patient. ``prepare``, run it somehow, then ``judge``."""

    arguments: tuple[str, ...]
    kind: str

    def __init__(self, patient: Patient) -> None:
        self.patient = patient
        self.before: dict[str, Any] = {}
        self.old_rows: set[str] = set()

    @property
    def name(self) -> str:
        return type(self).__name__.lower()

    def prepare(self) -> None:
        self.set_up()
        self.before = self.patient.content()
        self.old_rows = set(self.patient.rows(self.kind))

    def set_up(self) -> None:
        """Make the site such that the verb can begin."""
        return

    def succeeded(self) -> list[str]:
        """Return the operations of this run that the history calls successful."""
        rows = self.patient.rows(self.kind)
        new = rows.keys() - self.old_rows
        return [token for token in new if rows[token] == "succeeded"]

    @abc.abstractmethod
    def judge(self) -> bool:
        """Assert that all is old or all is new; return whether it is new."""

    def judge_end(self, ended: Ended, *, in_words: bool = True) -> list[str]:
        """Assert that a run that met a fault ended well; return what came of it."""
        patient = self.patient
        if patient.site.server:
            wait_until(patient.is_open, f"the site is open: {ended.output[-600:]}")
        patient.require_settled()
        is_new = self.judge()
        if in_words:
            require_words(ended)
        assert is_new or ended.status, f"nothing done: {ended.output[-600:]}"
        columns = ["new" if is_new else "old"]
        columns.append("complained" if ended.status else "did not matter")
        if patient.site.leftovers():
            columns.append("left for the next")
        return columns

    def clean(self) -> None:
        """Take away what would be in the way of the next run."""
        return

    def require_unchanged(self) -> None:
        assert self.patient.content() == self.before, "the site has changed"


def require_words(ended: Ended) -> None:
    """Assert that a failure ends with one sentence, and success without."""
    last = ended.output.strip().splitlines()[-1]
    if ended.status:
        is_sentence = last.startswith("CommandError: ") and last.endswith(".")
        assert is_sentence, f"status {ended.status}: {ended.output[-1200:]}"
    else:
        assert "Traceback" not in last


class Create(Verb):
    arguments = ("backup_create", KEY)
    kind = "create"

    def judge(self) -> bool:
        self.require_unchanged()
        is_there = KEY in self.patient.archives()
        assert is_there or not self.succeeded(), "the history tells of no archive"
        if is_there:
            self.patient.require_whole(KEY)
        return is_there

    def clean(self) -> None:
        self.patient.drop(KEY)


class Upload(Verb):
    kind = "upload"

    def __init__(self, patient: Patient) -> None:
        super().__init__(patient)
        self.source = patient.site.folder / "to-upload.zip"
        shutil.copy(patient.site.backups / OLD, self.source)
        self.digest = hashlib.sha256(self.source.read_bytes()).hexdigest()
        self.arguments = ("backup_upload", str(self.source), "--name", KEY)

    def judge(self) -> bool:
        self.require_unchanged()
        found = self.patient.archives().get(KEY)
        assert found in (None, self.digest), "half an upload is listed"
        assert found or not self.succeeded(), "the history tells of no archive"
        return found is not None

    def clean(self) -> None:
        self.patient.drop(KEY)


class Delete(Upload):
    arguments = ("backup_delete", "--no-input", KEY)
    kind = "delete"

    def __init__(self, patient: Patient) -> None:
        super().__init__(patient)
        self.arguments = type(self).arguments

    def set_up(self) -> None:
        shutil.copy(self.source, self.patient.site.backups / KEY)

    def judge(self) -> bool:
        self.require_unchanged()
        found = self.patient.archives().get(KEY)
        assert found in (None, self.digest), "half an archive is left"
        assert not found or not self.succeeded(), "the history is wrong"
        return found is None


class Restore(Verb):
    """With its safety copy, as by default."""

    arguments = ("backup_restore", "--no-input", OLD)
    kind = "restore"

    def __init__(self, patient: Patient) -> None:
        super().__init__(patient)
        self.after: dict[str, Any] = {}

    def set_up(self) -> None:
        if not self.after:
            self.patient.fill_anew()
            self.patient.must(*self.arguments)
            self.after = self.patient.content()
        self.patient.drop_safety_copies()
        self.patient.fill_anew()

    def judge(self) -> bool:
        content = self.patient.content()
        assert content in (self.before, self.after), "the site is mixed"
        is_new = content == self.after
        marks = self.succeeded()
        assert is_new == bool(marks), "the history says otherwise"
        self.require_safety_copies(marks)
        return is_new

    def require_safety_copies(self, marks: list[str]) -> None:
        """One is whole if it is there, and it is there after a restore."""
        copies = [k for k in self.patient.archives() if k.startswith("@before")]
        for key in copies:
            self.patient.require_whole(key)
        for token in marks:
            assert self.patient.safety_key(token) in copies, "no way back is left"


class Undo(Restore):
    """Each one that succeeds is what the next one undoes."""

    arguments = ("backup_undo", "--no-input")

    def set_up(self) -> None:
        if not self.after:
            self.patient.fill_anew()
            self.after = self.patient.content()
            self.patient.must("backup_restore", "--no-input", OLD)
        elif self.patient.content() == self.after:
            self.after = self.before
        self.patient.forget_written()
        key = self.patient.last_safety_key()
        assert key in self.patient.archives()
        self.patient.drop_safety_copies(keep=key)


VERBS: tuple[type[Verb], ...] = (Create, Upload, Delete, Restore, Undo)
