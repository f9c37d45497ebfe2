"""Memory that does not grow with the archive."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
SCRIPT = """
import os, sys
from pathlib import Path
from backups.archive import ArchiveReader, ArchiveWriter, Source
from backups.archive.layout import END64_SIGN

work, count = Path(sys.argv[1]), 100_000
tiny = work / "tiny"
tiny.write_bytes(b"tiny")
names = (f"media/{n // 1000:03}/{n:07}-a-name-of-some-length.jpg" for n in range(count))
with open(work / "site.zip", "wb") as file, ArchiveWriter(file) as writer:
    sources = (Source(name, tiny) for name in names)
    writer.add_files(sources, on_skip=print)
    writer.finish({})
with ArchiveReader(work / "site.zip") as reader:
    assert sum(1 for _ in reader.members()) == count
    reader.verify()
with open(work / "site.zip", "rb") as file:
    file.seek(-98, os.SEEK_END)
    assert file.read(4) == END64_SIGN
status = Path("/proc/self/status").read_text()
print(status.split("VmHWM:")[1].split()[0])
"""


def test_a_hundred_thousand_members_need_little_memory(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, tmp_path],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert int(done.stdout) < 60 * 1024  # KiB
    listing = subprocess.run(
        ["unzip", "-tq", tmp_path / "site.zip"], capture_output=True, text=True
    )
    assert "No errors" in listing.stdout
