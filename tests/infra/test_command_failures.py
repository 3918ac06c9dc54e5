"""Every command, asked wrongly or with its servers away: a sentence, a remedy, an exit code, never a traceback."""

import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from rich.console import Console
from typer.testing import CliRunner

from infra.cli import build
from infra.errors import PacelineError
from infra.progress import progress
from infra.settings import Settings, child_environment
from tests.running import settings_in, temporary_home

WITHOUT_SERVERS = [
    "dead-letters list",
    "dead-letters retry --all",
    "devices add strap",
    "migrate",
    "seed --demo",
    "sql 'SELECT 1'",
    "topics --make",
    "users add a@b.example Ada",
    "users list",
    "views",
]
WRONG = [
    "analyze nothing.fit",
    "analyze broken.fit",
    "analyze broken.fit --hr-zones 3,2,1",
    "analyze broken.fit --cp 200",
    "dead-letters retry",
    "flow nope",
    "numbers nowhere",
    "replay broken.fit --squeeze --shift",
    "seed",
    "simulate --class spin",
    "simulate --class spin --scenario nope",
    "sql --file broken.fit",
]
TOLD_AND_LEFT = ["replay nothing.fit", "replay broken.fit", "status"]
"""These go on to their end and tell on the way; their exit code is 1."""


@pytest.fixture(scope="module")
def away() -> Iterator[Settings]:
    """An installation of which nothing runs."""
    with temporary_home() as home:
        yield settings_in(home)


def leaves(group: typer.main.TyperGroup, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if isinstance(command, typer.main.TyperGroup):
            yield from leaves(command, (*path, name))
        else:
            yield (*path, name)


def run(settings: Settings, line: str, folder: Path, monkeypatch: pytest.MonkeyPatch):
    import shlex

    (folder / "broken.fit").write_bytes(b"\x0e\x10\xff not a recording")
    monkeypatch.chdir(folder)
    return CliRunner().invoke(build(), shlex.split(line), env=child_environment(settings))


@pytest.mark.parametrize("line", [*WITHOUT_SERVERS, *WRONG])
def test_a_failure_is_a_sentence_with_a_remedy(
    away: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    failure = run(away, line, tmp_path, monkeypatch).exception
    assert isinstance(failure, PacelineError), repr(failure)
    assert failure.problem
    assert failure.remedy
    assert "Traceback" not in failure.problem


@pytest.mark.parametrize("line", TOLD_AND_LEFT)
def test_what_is_told_on_the_way_ends_with_exit_code_1(
    away: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    result = run(away, line, tmp_path, monkeypatch)
    assert isinstance(result.exception, SystemExit), repr(result.exception)
    assert result.exit_code == 1
    assert result.output.strip()


@pytest.mark.parametrize("path", list(leaves(typer.main.get_command(build()))), ids=" ".join)
def test_an_option_that_nobody_knows_is_refused_by_name(
    away: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: tuple[str, ...]
) -> None:
    result = run(away, " ".join([*path, "--nonsense"]), tmp_path, monkeypatch)
    assert result.exit_code == 2
    assert "--nonsense" in result.output or "Missing argument" in result.output


def test_settings_that_are_wrong_are_all_named(away: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACELINE_API_PORT", "http")
    monkeypatch.setenv("PACELINE_LOG_LEVEL", "loud")
    failure = CliRunner().invoke(build(), ["status"]).exception
    assert isinstance(failure, PacelineError)
    assert "PACELINE_API_PORT" in failure.problem
    assert "PACELINE_LOG_LEVEL" in failure.problem


def program(code: str, settings: Settings, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """The whole program, with a command of the test's own in it."""
    script = (
        "import sys, infra.cli as cli\n"
        "made = cli.build\n"
        "def build():\n"
        "    app = made()\n"
        f"    @app.command()\n    def trial():\n        {code}\n"
        "    return app\n"
        "cli.build = build\n"
        "sys.argv = ['paceline', 'trial']\n"
        "cli.main()\n"
    )
    environment = child_environment(settings) | {"TMPDIR": str(tmp_path)}
    return subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)


def test_a_fault_of_ours_is_told_in_two_lines_and_its_story_kept(away: Settings, tmp_path: Path) -> None:
    done = program("raise KeyError('lost')", away, tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert "KeyError: 'lost'" in done.stderr
    (story,) = tmp_path.glob("paceline-failure-*.txt")
    assert str(story) in done.stderr
    assert "Traceback" in story.read_text()


def test_a_failure_that_people_can_act_on_leaves_no_file(away: Settings, tmp_path: Path) -> None:
    done = program("raise cli.PacelineError('It is full', 'Make room.')", away, tmp_path)
    assert (done.returncode, done.stderr) == (1, "Error: It is full\nMake room.\n")
    assert list(tmp_path.iterdir()) == []


def test_progress_is_shown_on_a_terminal_only() -> None:
    shown = {}
    for terminal in (True, False):
        console = Console(file=io.StringIO(), force_terminal=terminal, width=80)
        with progress("ride.fit", 10, console) as done:
            done(5)
        shown[terminal] = console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    assert "ride.fit" in shown[True]
    assert "5/10" in shown[True]
    assert shown[False] == ""
