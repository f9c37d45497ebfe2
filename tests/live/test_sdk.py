"""PocketBase's official JavaScript SDK, unmodified, against a real server."""

import json
import re
import subprocess

import pytest

from .conftest import require, require_program
from .server import EMAIL, PASSWORD, ROOT, USER, Site

pytestmark = pytest.mark.live

FOLDER = ROOT / "tests" / "sdk"
SCRIPT = FOLDER / "backups.mjs"
CHECKS = re.findall(r'^check\("(.+)", async', SCRIPT.read_text(), re.MULTILINE)


@pytest.fixture(scope="module")
def results(site: Site) -> dict[str, str]:
    """The name of each check with its error, from one run of the script."""
    require_program("node")
    require(
        (FOLDER / "node_modules" / "pocketbase").is_dir(),
        "the SDK is not installed: npm ci --prefix tests/sdk",
    )
    address = f"http://127.0.0.1:{site.port}"
    done = subprocess.run(
        ["node", str(SCRIPT), address, EMAIL, USER, PASSWORD],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = map(json.loads, done.stdout.splitlines())
    return {result["name"]: result["error"] for result in found}


@pytest.mark.parametrize("check", CHECKS)
def test_the_sdk_finds_that(site, results, check):
    assert not results[check], results[check]


def test_every_check_of_the_script_was_run(results):
    assert list(results) == CHECKS
    assert len(CHECKS) > 30
