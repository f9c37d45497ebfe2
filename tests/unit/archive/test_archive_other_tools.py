"""Other people's tools read what is written here."""

import os
import random
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from handmade import content_of, fill, write_tree

JAVA = """
import java.io.*;
import java.util.zip.*;

class Read {
    public static void main(String[] names) throws Exception {
        long entries = 0, bytes = 0;
        ZipInputStream in = new ZipInputStream(new FileInputStream(names[0]));
        for (ZipEntry e = in.getNextEntry(); e != null; e = in.getNextEntry()) {
            entries++;
            bytes += in.transferTo(OutputStream.nullOutputStream());
        }
        System.out.println(entries + " " + bytes);
        System.out.println(new ZipFile(names[0]).size());
    }
}
"""

GO = """
package main

import (
	"archive/zip"
	"fmt"
	"io"
	"os"
)

func main() {
	archive, err := zip.OpenReader(os.Args[1])
	if err != nil {
		panic(err)
	}
	var bytes int64
	for _, member := range archive.File {
		// Reading to the end compares the CRC and the descriptor, too.
		content, err := member.Open()
		if err != nil {
			panic(err)
		}
		size, err := io.Copy(io.Discard, content)
		if err != nil {
			panic(err)
		}
		bytes += size
	}
	fmt.Println(len(archive.File), bytes)
}
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    content = [
        ("a.txt", b"text" * 1000),
        ("b/empty", None),
        ("b/nothing", b""),
        ("c é ü 漢字.txt", b"named"),
        ("large.jpg", random.Random(3).randbytes(5_000_000)),
        ("large.txt", b"0123456789 and so on, " * 250_000),
        ("middle.jpg", random.Random(5).randbytes(2_000_000)),
        ("stored.jpg", random.Random(4).randbytes(30_000)),
    ]
    return fill(tmp_path_factory.mktemp("tools") / "tree", content)


@pytest.fixture(scope="module")
def archive(tree) -> Path:
    path = tree.parent / "site.zip"
    with path.open("wb") as file:
        write_tree(file, tree, tree / "large.txt")
    return path


def run(*command: str | Path, **options) -> str:
    if not shutil.which(str(command[0])):
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, **options
    )
    return done.stdout


def test_unzip_finds_it_sound(archive):
    assert "No errors detected" in run("unzip", "-t", archive)


def test_unzip_restores_it(archive, tree, tmp_path):
    run("unzip", "-q", archive, "media/*", "-d", tmp_path, env={"LC_ALL": "C.UTF-8"})
    assert content_of(tmp_path / "media") == content_of(tree)


def test_python_finds_it_sound(archive, tree):
    with zipfile.ZipFile(archive) as other:
        assert other.testzip() is None
        assert other.namelist()[:2] == ["manifest.json", "members.jsonl"]
        assert other.read("media/large.txt") == (tree / "large.txt").read_bytes()


def test_7zip_finds_it_sound(archive):
    assert "Everything is Ok" in run("7z", "t", archive)


def test_bsdtar_reads_it_from_a_pipe(archive, tree, tmp_path):
    with archive.open("rb") as pipe:
        run("bsdtar", "-xf", "-", "-C", tmp_path, stdin=pipe)
    assert content_of(tmp_path / "media") == content_of(tree)


def test_java_reads_it_as_a_stream_and_as_a_file(archive, tree, tmp_path):
    if not shutil.which("javac"):
        pytest.skip("javac is not installed")
    (tmp_path / "Read.java").write_text(JAVA)
    run("javac", "-d", tmp_path, tmp_path / "Read.java")
    answer = run("java", "-cp", tmp_path, "Read", archive).split()
    assert answer[0] == answer[2] == "11"
    assert int(answer[1]) > sum(len(c or b"") for c in content_of(tree).values())


def test_go_reads_it(archive, tree, tmp_path):
    (tmp_path / "read.go").write_text(GO)
    places = {"HOME": str(tmp_path), "GOFLAGS": "-modcacherw"}
    environment = os.environ | places
    answer = run("go", "run", tmp_path / "read.go", archive, env=environment).split()
    assert answer[0] == "11"
    assert int(answer[1]) == _bytes_by_python(archive)


def _bytes_by_python(archive: Path) -> int:
    with zipfile.ZipFile(archive) as other:
        return sum(member.file_size for member in other.infolist())


def test_zipinfo_shows_modes_and_times(archive, tree):
    listing = run("unzip", "-Z", archive, "media/b/empty/", "media/a.txt")
    assert "drwxr-xr-x" in listing
    assert "-rw-r--r--" in listing
