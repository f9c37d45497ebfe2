"""The helper process: the same result, and nothing lost when it dies.

Results are the same once they are inflated: what ISA-L makes of the same bytes
depends on the addresses that they happen to have (intel/isa-l, issue 140).
"""

import io
import os
import random
import signal
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest
from handmade import Pipe, content_of, fill, media_sources, refuse_skip, write_tree

from backups.archive import ArchiveReader, ArchiveWriter, extraction, helper, writer
from backups.archive.helper import REQUEST_BYTES, Helper
from backups.archive.layout import end_records
from backups.archive.packing import Batch, Opened, Packing
from backups.exceptions import InvalidArchive

CONTENT = [os.urandom(50) + b"text" * n for n in range(50)]
TREE = [(f"{n // 50:02}/{n:04}", b"%d, " % n * (n % 400)) for n in range(700)]


@pytest.fixture
def helped():
    started = Helper.start()
    assert started
    yield started
    started.close()


@pytest.fixture
def open_files(tmp_path):
    """Return files that are open, as the helper is given them."""

    def open_files(contents) -> list[Opened]:
        files = []
        place = Path(tempfile.mkdtemp(dir=tmp_path))
        for number, content in enumerate(contents):
            path = place / f"{number:03}"
            path.write_bytes(content)
            opened = os.open(path, os.O_RDONLY)
            fields = len(content), number * 10**12, 0o640
            files.append(Opened(f"media/{number:03}-é", opened, *fields))
        return files

    return open_files


def inflated(data: bytes) -> list[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]


def members_of(batch: Batch) -> list[tuple[str, bytes]]:
    """Return what a batch holds, made a whole archive by its own records."""
    records = b"".join(batch.records)
    end = end_records(len(batch.records), len(records), batch.size)
    return inflated(b"".join([*batch.parts, records, end]))


def is_open(file: Opened) -> bool:
    return Path(f"/proc/self/fd/{file.descriptor}").exists()


def test_it_packs_as_it_would_be_packed_here(helped, open_files):
    here = Packing(open_files(CONTENT)).redo()
    there = helped.ask(Packing(open_files(CONTENT))).result()
    assert members_of(there) == members_of(here)
    assert [content for _, content in members_of(there)] == CONTENT
    assert (there.lines, there.content) == (here.lines, here.content)


def test_answers_may_be_taken_in_any_order(helped, open_files):
    jobs = [CONTENT[n : n + 5] for n in range(45)]
    answers = [helped.ask(Packing(open_files(job))) for job in jobs]
    random.Random(5).shuffle(order := list(range(45)))
    for position in order:
        batch = answers[position].result()
        assert [content for _, content in members_of(batch)] == jobs[position]
        assert answers[position].done()


def test_requests_of_full_size_do_not_get_stuck(helped, open_files):
    job = [os.urandom(REQUEST_BYTES // 24)] * 24
    answers = [helped.ask(Packing(open_files(job))) for _ in range(30)]
    assert all(len(answer.result().lines) == 24 for answer in answers)


def test_it_is_replaced_when_it_is_killed(helped, open_files):
    asked = helped.ask(Packing(open_files(CONTENT)))
    helped._process.kill()
    helped._process.wait()
    answers = [asked, *(helped.ask(Packing(open_files(CONTENT))) for _ in range(5))]
    assert [len(answer.result().lines) for answer in answers] == [len(CONTENT)] * 6


def test_it_is_told_that_it_is_busy(helped, open_files):
    assert not helped.is_busy()
    os.kill(helped._process.pid, signal.SIGSTOP)
    answers = [helped.ask(Packing(open_files(CONTENT))) for _ in range(2)]
    assert helped.is_busy()
    os.kill(helped._process.pid, signal.SIGCONT)
    assert all(answer.result() for answer in answers)
    assert not helped.is_busy()


def test_files_are_closed_once_they_are_packed(helped, open_files):
    files = open_files(CONTENT)
    helped.ask(Packing(files)).result()
    assert not any(map(is_open, files))


def test_files_that_nobody_wants_any_more_are_closed(helped, open_files):
    files = [open_files(CONTENT), open_files(CONTENT)]
    for some in files:
        helped.ask(Packing(some))
    helped.close()
    assert not any(is_open(file) for some in files for file in some)


def test_what_the_helper_cannot_read_is_read_here_and_told(helped, tmp_path):
    writable = os.open(tmp_path / "file", os.O_WRONLY | os.O_CREAT)
    answer = helped.ask(Packing([Opened("media/a", writable, 5, 0, 0o600)]))
    with pytest.raises(OSError, match="Bad file descriptor"):
        answer.result()


def test_it_is_done_without_where_python_is_embedded(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/usr/bin/uwsgi")
    assert Helper.start() is None


def test_it_is_done_without_where_no_process_starts(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert Helper.start() is None


def test_it_is_done_without_one_that_does_not_answer(monkeypatch):
    monkeypatch.setattr(helper, "_START", "pass")
    assert Helper.start() is None
    monkeypatch.setattr(helper, "_START", "import time; time.sleep(60)")
    monkeypatch.setattr(helper, "_PATIENCE", 0.1)
    assert Helper.start() is None


@pytest.mark.parametrize("available", [True, False])
def test_an_archive_is_the_same_with_or_without_it(tmp_path, monkeypatch, available):
    monkeypatch.setattr(writer, "HELP_FROM", 10)
    if not available:
        monkeypatch.setattr(Helper, "start", lambda: None)
    mixed = [("02/large", os.urandom(5_000_000)), ("03/medium", b"x" * 90_000)]
    tree = fill(tmp_path / "tree", [*TREE, *mixed, ("05/void", None)])
    sink = Pipe()
    write_tree(sink, tree)
    with ArchiveReader(sink.source) as reader:
        reader.extract_tree("media/", fill(tmp_path / "out", ()))
    assert content_of(tmp_path / "out") == content_of(tree)


def test_an_archive_is_the_same_with_a_helper_that_has_always_too_much_to_do(
    tmp_path, monkeypatch
):
    tree = fill(tmp_path / "tree", TREE)
    write_tree(alone := Pipe(), tree)
    monkeypatch.setattr(writer, "HELP_FROM", 10)
    asked = []
    real = Helper.is_busy

    def is_mostly_busy(self: Helper) -> bool:
        asked.append(real(self))
        return len(asked) % 3 > 0

    monkeypatch.setattr(Helper, "is_busy", is_mostly_busy)
    write_tree(helped := Pipe(), tree)
    assert len(asked) > 10
    assert inflated(b"".join(helped.pieces)) == inflated(b"".join(alone.pieces))


def test_it_ends_with_the_writer_that_failed(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "HELP_FROM", 10)
    started = []
    real = Helper.start
    monkeypatch.setattr(Helper, "start", lambda: started.append(real()) or started[0])

    def interrupt(_):
        if started:
            raise KeyboardInterrupt

    tree = fill(tmp_path / "tree", TREE)
    with (
        pytest.raises(KeyboardInterrupt),
        ArchiveWriter(Pipe(), progress=interrupt) as failing,
    ):
        failing.add_files(media_sources(tree), on_skip=refuse_skip)
    assert started[0]._process.returncode is not None


@pytest.fixture
def packed(tmp_path) -> Path:
    """Return an archive of tiny files with some that are not."""
    mixed = [("02/large", os.urandom(5_000_000)), ("03/medium", b"x" * 90_000)]
    fill(tmp_path / "packed", [*TREE, *mixed, ("05/void", None)])
    with (tmp_path / "a.zip").open("wb") as sink:
        write_tree(sink, tmp_path / "packed")
    return tmp_path / "a.zip"


@pytest.fixture
def asked(monkeypatch) -> list[Helper]:
    """Return the helper each time it was asked; it is there from the start."""
    asked: list[Helper] = []
    real = Helper.ask
    monkeypatch.setattr(extraction, "HELP_FROM", 10)
    monkeypatch.setattr(Helper, "ask", lambda h, task: asked.append(h) or real(h, task))
    return asked


@pytest.fixture
def killed(monkeypatch) -> None:
    """Kill the helper just before it is asked for something."""
    real = Helper._send

    def send(self: Helper, task: Packing) -> None:
        self._process.kill()
        self._process.wait()
        real(self, task)

    monkeypatch.setattr(Helper, "_send", send)


def unpack(archive: Path) -> Path:
    target = fill(archive.with_name("out"), ())
    with ArchiveReader(archive) as reader:
        reader.extract_tree("media/", target)
    return target


def described(folder: Path) -> dict[str, tuple[int, int]]:
    found = {}
    for path in folder.rglob("*"):
        if path.is_file():
            status = path.stat()
            found[str(path.relative_to(folder))] = status.st_mode, status.st_mtime_ns
    return found


def test_it_unpacks_as_it_would_be_unpacked_here(packed, asked):
    target = unpack(packed)
    assert len(asked) > 3
    assert content_of(target) == content_of(packed.with_name("packed"))
    assert described(target) == described(packed.with_name("packed"))


def test_it_tells_what_is_damaged(packed, asked):
    data = packed.read_bytes()
    name = b"media/13/0693"
    place = data.index(name) + len(name) + 5
    packed.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    with (
        ArchiveReader(packed) as reader,
        pytest.raises(InvalidArchive, match="13/0693” is damaged") as caught,
    ):
        reader.verify()
    assert asked
    assert caught.value.text.message == "The member “%(name)s” %(flaw)s."


def test_it_tells_which_name_is_taken(packed, asked):
    fill(packed.with_name("out"), [("13/0693", b"already here")])
    with pytest.raises(InvalidArchive, match=r"13/0693” has a name.*cannot tell"):
        unpack(packed)
    assert asked


def test_what_it_did_not_verify_is_verified_here(packed, asked, killed):
    with ArchiveReader(packed) as reader:
        reader.verify()
    assert asked


def test_what_it_began_to_write_is_not_written_again(packed, asked, killed):
    with pytest.raises(OSError, match="was killed"):
        unpack(packed)


def test_it_ends_with_the_reader(packed, asked):
    with ArchiveReader(packed) as reader:
        reader.verify()
    assert {helped._process.returncode for helped in asked} == {-signal.SIGKILL}
