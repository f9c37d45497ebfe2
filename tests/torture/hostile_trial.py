"""One mutant through every door: upload, preview, verify, restore."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings

from backups import operations
from backups.archive import ArchiveReader
from backups.exceptions import BackupError, InvalidArchive
from backups.models import Operation
from tests.engine import upload
from tests.unit.archive.handmade import Bytes

from .hostile_blind import BLIND
from .hostile_families import Mutant
from .hostile_site import LiveSite, State, leftovers, live_state, promised_state

KEY = "mutant.zip"
FOR_REAL = ("that the file system here", "not enough free space")
"""What shows only to one who lays out the media; a verification does not."""

LONGEST = 400
"""Characters of a refusal; a name in it is cut at 120."""


@dataclasses.dataclass
class Outcome:
    """Where a mutant was refused, and in which words; "accepted" without any."""

    seed: int
    family: str
    base: str
    phase: str = "accepted"
    refusal: str = ""


class Trial:
    """Sends mutants to one live site and judges what became of it."""

    def __init__(self, site: LiveSite, watch: "Watch", bases: dict[str, bytes]) -> None:
        self.site = site
        self.watch = watch
        self.untouched: State = live_state()
        self.original = {name: promised_state(data) for name, data in bases.items()}

    def run(self, mutant: Mutant) -> Outcome:
        outcome = Outcome(*mutant[:3])
        self.watch.begin()
        try:
            if self._upload(mutant, outcome):
                self._use(mutant, outcome)
            require_clean()
            self.watch.require_bounded(promised_bytes(mutant.data))
        finally:
            (settings.DATA_DIR / "backups" / KEY).unlink(missing_ok=True)
        return outcome

    def _upload(self, mutant: Mutant, outcome: Outcome) -> bool:
        outcome.refusal = refusal_of(lambda: upload(KEY, mutant.data))
        self.watch.look()
        if outcome.refusal:
            outcome.phase = "upload"
            self._require_untouched()
        return not outcome.refusal

    def _use(self, mutant: Mutant, outcome: Outcome) -> None:
        foreseen = preview()
        self._require_untouched()
        verified, _ = run_claim(operations.claim_verify, operations.verify_backup)
        self._require_untouched()
        refusal, phase = run_claim(claim_restore, operations.restore_backup)
        self.watch.look()
        if refusal:
            self._require_untouched()
            outcome.phase, outcome.refusal = phase, refusal
        else:
            self._require_kept(mutant)
        assert refusal or not foreseen, "what the preview refuses was restored"
        # The words may differ: threads find one flaw or another first.
        agrees = bool(verified) == bool(refusal) or is_for_real(refusal)
        assert agrees, f"verify says {verified!r}, restore {refusal!r}"

    def _require_untouched(self) -> None:
        assert live_state() == self.untouched, "live data changed"

    def _require_kept(self, mutant: Mutant) -> None:
        """The restore succeeded: there must be exactly what was promised."""
        promised = promised_state(mutant.data)
        present = live_state()
        if self.watch.is_migrated:
            present, promised = present["media"], promised["media"]
        assert present == promised, "other content than promised"
        if mutant.family in BLIND:
            assert promised == self.original[mutant.base], "damage was restored"
        self.site.put_back()
        self._require_untouched()

    def recover(self) -> None:
        """Put the site in order after a failure, for the next mutant."""
        shutil.rmtree(settings.DATA_DIR / "workspace", ignore_errors=True)
        self.site.put_back()


def is_for_real(refusal: str) -> bool:
    return any(text in refusal for text in FOR_REAL)


def claim_restore(key: str, *, actor: str) -> Any:
    return operations.claim_restore(key, actor=actor, safety_copy=False)


def preview() -> str:
    """Return why the preview refuses; what it shows must be fit to be sent."""

    def look() -> None:
        found = operations.preview_restore(KEY)
        for text in texts_of(dataclasses.asdict(found)):
            text.encode()
        if found.refusal:
            raise InvalidArchive(found.refusal)

    return refusal_of(look)


def texts_of(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value
    return [t for v in inner for t in texts_of(v)] if is_group(value) else []


def is_group(value: Any) -> bool:
    return isinstance(value, dict | list | tuple)


def run_claim(make: Any, work: Callable[[Any], None]) -> tuple[str, str]:
    """Run an operation; return why it was refused, and in which phase."""
    claim = make(KEY, actor="test")
    refusal = refusal_of(lambda: work(claim))
    row = Operation.objects.get(token=claim.token)
    expected = Operation.State.FAILED if refusal else Operation.State.SUCCEEDED
    assert (row.state, row.error) == (expected, refusal), "the history says otherwise"
    return refusal, claim.progress["phase"]


def refusal_of(act: Callable[[], object]) -> str:
    """Return the message of a BackupError, or "" for a success."""
    try:
        act()
    except BackupError as error:
        require_fit_to_show(str(error))
        return str(error)
    return ""


def require_fit_to_show(text: str) -> None:
    assert text.endswith("."), f"no sentence: {text!r}"
    assert text.isprintable(), f"not printable: {text!r}"
    assert len(text) <= LONGEST, f"{len(text)} characters: {text[:300]!r}"
    for secret in (str(settings.DATA_DIR), "Traceback", 'File "', "/operations/"):
        assert secret not in text, f"{secret} in {text!r}"


def require_clean() -> None:
    assert not leftovers(), f"left behind: {leftovers()}"
    assert operations.is_idle(), "the lease is held"


def promised_bytes(data: bytes) -> int:
    """Return how much a mutant says that it unpacks to."""
    try:
        with ArchiveReader(Bytes(data)) as reader:
            return reader.total_bytes
    except BackupError:
        return 0


class Watch:
    """Counts what a mutant makes the site write, and the memory that it takes."""

    most_memory = 64 << 20
    spare_disk = 4 << 20
    """Bytes that a staged database may grow by when its tables are carried over."""

    def __init__(self) -> None:
        self.written = 0
        self.workspace = 0
        self.is_migrated = False
        self.present = self.grown = self.peak = 0

    def begin(self) -> None:
        self.written = self.workspace = self.grown = 0
        self.is_migrated = False
        self.present = forget_peak()

    def look(self) -> None:
        """Take note of the memory; what the judges use of it does not count."""
        self.grown = max(self.grown, memory("VmHWM") - self.present)
        self.peak = max(self.peak, self.grown)

    def require_bounded(self, promised: int) -> None:
        # It is unpacked twice: to verify, and to restore.
        assert self.written <= 2 * promised, f"{self.written} bytes were written"
        most = promised + self.spare_disk
        assert self.workspace <= most, f"{self.workspace} bytes in the workspace"
        megabytes = self.grown >> 20
        assert self.grown <= self.most_memory, f"memory grew by {megabytes} MB"


def forget_peak() -> int:
    """Let the highest memory be the present one, and return that."""
    Path("/proc/self/clear_refs").write_text("5")
    return memory("VmRSS")


def memory(kind: str) -> int:
    """Return a figure of this process's memory, as Linux tells it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    line = next(line for line in lines if line.startswith(kind))
    return int(line.split()[1]) << 10
