"""The helper process: the same result, and nothing lost when it dies."""

import os
import random
import sys

import pytest
from handmade import Pipe, content_of, fill, media_sources, refuse_skip, write_tree

from backups.archive import ArchiveReader, ArchiveWriter, helper, writer
from backups.archive.deflate import BEST
from backups.archive.helper import REQUEST_BYTES, Helper
from backups.archive.packing import Loaded, pack_files

FILES = [
    Loaded(f"media/{n:03}-é", os.urandom(50) + b"text" * n, n * 10**12, 0o640)
    for n in range(100)
]
TREE = [(f"{n // 50:02}/{n:04}", b"%d, " % n * (n % 400)) for n in range(700)]


@pytest.fixture
def helped():
    started = Helper.start()
    assert started
    yield started
    started.close()


def test_it_packs_as_it_would_be_packed_here(helped):
    here = pack_files(FILES, BEST)
    there = helped.ask(FILES).result()
    assert there.members == here.members
    assert b"".join(there.parts) == b"".join(here.parts)
    assert there.size == here.size


def test_answers_may_be_taken_in_any_order(helped):
    jobs = [FILES[n : n + 5] for n in range(95)]
    answers = [helped.ask(job) for job in jobs]
    random.Random(5).shuffle(order := list(range(95)))
    for position in order:
        names = [member.name for member in answers[position].result().members]
        assert names == [file.name for file in jobs[position]]
        assert answers[position].done()


def test_requests_of_full_size_do_not_get_stuck(helped):
    noise = os.urandom(REQUEST_BYTES // 24)
    job = [Loaded(f"media/{n:03}", noise, 0, 0o640) for n in range(24)]
    answers = [helped.ask(job) for _ in range(30)]
    assert all(len(answer.result().members) == 24 for answer in answers)


def test_it_is_replaced_when_it_is_killed(helped):
    asked = helped.ask(FILES)
    helped._process.kill()
    helped._process.wait()
    answers = [asked, *(helped.ask(FILES) for _ in range(5))]
    assert [len(answer.result().members) for answer in answers] == [len(FILES)] * 6


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
    monkeypatch.setattr(writer, "_HELP_FROM", 10)
    if not available:
        monkeypatch.setattr(Helper, "start", lambda: None)
    mixed = [("02/large", os.urandom(5_000_000)), ("03/medium", b"x" * 90_000)]
    tree = fill(tmp_path / "tree", [*TREE, *mixed, ("05/void", None)])
    sink = Pipe()
    write_tree(sink, tree)
    with ArchiveReader(sink.source) as reader:
        reader.extract_tree("media/", fill(tmp_path / "out", ()))
    assert content_of(tmp_path / "out") == content_of(tree)


def test_it_ends_with_the_writer_that_failed(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "_HELP_FROM", 10)
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
