"""Servers that refuse root run as somebody else, who must still reach programs and data in folders of root's. Some give way."""

import os
import sys
from pathlib import Path

import pytest

from infra.embedded.launch import SECOND_IN_LINE, Launch, minimal_environment, unprivileged_account

as_root = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only under root on Linux do servers run as another user"
)
LOOK = """
import ctypes, os
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(os.access({program!r}, os.R_OK | os.X_OK), os.getuid() != 0, int(status["CapEff"], 16).bit_count())
"""


@as_root
def test_it_finds_programs_in_a_closed_folder_and_has_no_other_right_of_roots(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    program = closed / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    account = unprivileged_account(closed)
    assert account
    assert account.pass_folders
    script = LOOK.format(program=str(program))
    launch = Launch([sys.executable, "-I", "-c", script], minimal_environment(Path("/")), Path("/"), account)
    with launch.start(-1) as process:
        said = process.communicate(timeout=60)[0].decode()
    assert said.split() == ["True", "True", "1"]


def test_a_process_that_may_wait_gives_way_in_its_session_and_as_a_session() -> None:
    autogroup = Path("/proc/self/autogroup")
    script = f"import os; print(os.nice(0), *open({str(autogroup)!r}).read().split()[-1:] if {autogroup.exists()} else [])"
    launch = Launch([sys.executable, "-I", "-c", script], minimal_environment(Path("/")), Path("/"), niceness=SECOND_IN_LINE)
    before = os.nice(0)
    with launch.start(-1) as process:
        said = process.communicate(timeout=60)[0].decode()
    assert said.split() == [str(before + SECOND_IN_LINE), *([str(SECOND_IN_LINE)] if autogroup.exists() else [])]
