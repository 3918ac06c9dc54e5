"""Every command in the documents: run in a house with a class; what takes minutes or ends the house is held to the program."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import typer.main
from typer.testing import CliRunner

from infra.cli import build
from infra.panels import PANELS
from infra.settings import Settings, child_environment
from tests.e2e.conftest import House
from tests.e2e.docs.blocks import WHATEVER, Typed, documents, in_blocks, in_sentences
from tests.recordings import simulated_ride, write_fit
from tests.running import ROOT, wait_until

NOT_RUN = {
    "make": "minutes, or a prompt; its plan is asked for instead",
    "paceline up": "the house of this test is one",
    "paceline stop": "it ends the house; tests/infra/test_up_and_down.py does",
    "paceline backup": "it has tests of its own, which bring everything back",
    "paceline doctor": "its exit code is about the machine; it has tests of its own",
    "paceline restore": "it wants an empty house; see paceline backup",
    "paceline strap": "it wants a radio; tests/ingest/straps brings straps and radio along",
    ".venv/bin/python -m pytest": "it is part of this very run; the file must be there",
    "docker": "there is no daemon where tests run; infra/deploy is checked by tests of its own",
    "kubectl": "there is no cluster where tests run; see docker",
    "infra/deploy": "see docker",
}
"""What is only held to the program, and why."""
GATEWAY, TOKEN = "http://127.0.0.1:28081", "pd_…"
"""What readers replace by their own."""
BEAT = {"type": "heart_rate", "member_id": 1, "device_id": "strap", "event_time_ms": 1_790_000_000_000, "heart_rate_bpm": 120}
TYPED = in_blocks()


def why_not_run(command: Typed) -> str | None:
    return next((why for start, why in NOT_RUN.items() if f"{command.text} ".startswith((f"{start} ", f"{start}/"))), None)


@dataclass
class Desk:
    """Where a reader sits: a folder with the documents, a recording and a source's events, a house that runs, a token."""

    folder: Path
    settings: Settings
    environment: dict[str, str]

    def typed(self, text: str) -> str:
        """As the reader types it: with the own address and token."""
        return text.replace(GATEWAY, self.settings.gateway_url).replace(TOKEN, self.environment["PACELINE_DEVICE_TOKEN"])


@pytest.fixture(scope="module")
def desk(house: House, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Last in the house, because seeding again makes new passwords and a new token."""
    folder = tmp_path_factory.mktemp("desk")
    subprocess.run(["cp", "-r", ROOT / "docs", folder], check=True)
    (folder / "build").mkdir()
    write_fit(folder / "RIDE.fit", simulated_ride(30))
    (folder / "mine.json").write_text(json.dumps([BEAT | {"event_id": f"mine-{n:04}"} for n in range(3)]))
    seeded = json.loads(house.run("seed", "--demo", "--json").stdout)
    # a token of its own: seeding once more, as a page says, revokes the seed's
    token = house.run("devices", "add", "hub-of-the-desk").stdout.strip()
    environment = child_environment(house.settings) | {"PACELINE_DEVICE_TOKEN": token, "COLUMNS": "120"}
    start_spin(house.settings, seeded)
    wait_until(lambda: gateway_knows_a_class(house.settings, token), "the gateway knows token and class")
    return Desk(folder, house.settings, environment)


def start_spin(settings: Settings, seeded: dict) -> None:
    login = {key: seeded["trainer"][key] for key in ("email", "password")}
    spin = next(c["id"] for c in seeded["classes"] if c["class_type"] == "spin")
    with httpx.Client(base_url=settings.api_url, timeout=30, trust_env=False) as client:
        token = client.post("/api/v1/auth/login", json=login).json()["access_token"]
        started = client.post(f"/api/v1/classes/{spin}/start", headers={"Authorization": f"Bearer {token}"})
        assert started.is_success or started.status_code == httpx.codes.CONFLICT, started.text  # somebody's class runs


def gateway_knows_a_class(settings: Settings, token: str) -> bool:
    told = httpx.get(f"{settings.gateway_url}/v1/sessions", headers={"Authorization": f"Bearer {token}"}, timeout=30)
    return told.is_success and bool(told.json()["sessions"])


@pytest.mark.parametrize("command", [c for c in TYPED if why_not_run(c) is None], ids=str)
def test_a_command_of_the_documents_works(desk: Desk, command: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, which is quick; but for what a shell reads, and what needs the event loop, which a browser has here."""
    monkeypatch.chdir(desk.folder)
    if command.words[0] == "paceline" and not re.search(r"[|>&$]|completion|^paceline (replay|simulate|sources)", command.text):
        result = CliRunner().invoke(build(), shlex.split(desk.typed(command.text))[1:], env=desk.environment)
        assert result.exit_code == 0, f"{result.output}\n{result.exception!r}"
        return
    if command.words[0] == "curl" and not shutil.which("curl"):
        pytest.skip("SKIPPED LOUDLY: this machine has no curl")
    printed = shell(desk, command.text)
    if command.words[0] == "curl":
        told = json.loads(printed)
        assert told["accepted"] + told["unconfirmed"] == 1, told


def shell(desk: Desk, text: str) -> str:
    """What bash prints, with this very program as `paceline`."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", f"set -e\n{desk.typed(text)}\n:"],
        check=False,
        cwd=desk.folder,
        env=desk.environment | {"PATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_tab_completes_commands_and_options_in_bash(desk: Desk) -> None:
    def offered(*words: str) -> list[str]:
        array = " ".join(f"'{word}'" for word in words)
        find = f"COMP_WORDS=({array}); COMP_CWORD={len(words) - 1}; _paceline_completion paceline; echo ${{COMPREPLY[@]}}"
        return shell(desk, f'eval "$(paceline --show-completion)"\n{find}').split()

    assert offered("paceline", "sq") == ["sql"]
    assert "--format" in offered("paceline", "sql", "--f")


@pytest.mark.parametrize("command", [c for c in TYPED if why_not_run(c)], ids=str)
def test_a_command_that_is_not_run_is_one_that_the_program_knows(command: Typed) -> None:
    if command.words[0] == "paceline":
        understood(shlex.split(command.text)[1:])
    elif command.words[0] == "make":
        assert_target(command.text)
    elif command.text.startswith(".venv"):
        assert [word for word in command.words if word.startswith("tests/") and not (ROOT / word).exists()] == []
    elif command.text.startswith("infra/"):
        assert (ROOT / command.words[0]).is_file()


@pytest.mark.parametrize("command", in_sentences(), ids=str)
def test_a_command_in_a_sentence_exists_with_its_options(command: Typed) -> None:
    words = [word.strip(",.") for word in re.sub(r"[\"'].*?[\"']", "X", command.text).split()]
    if words[0] == "make":
        assert_target(command.text)
        return
    found = typer.main.get_command(build())
    options = {name for param in found.params for name in param.opts + param.secondary_opts}
    for word in words[1:]:
        if isinstance(found, typer.main.TyperGroup) and not word.startswith("-") and not WHATEVER.search(word):
            assert word in found.commands, f"there is no command {word}"
            found = found.commands[word]
            options |= {name for param in found.params for name in param.opts + param.secondary_opts}
    unknown = {word.partition("=")[0] for word in words if word.startswith("--")} - options - {"--help"}
    assert not unknown


def understood(arguments: list[str]) -> None:
    """Parse as the program would, down to the last option, without doing it."""
    group, context = typer.main.get_command(build()), None
    while isinstance(group, typer.main.TyperGroup):
        name, *arguments = arguments
        assert name in group.commands, f"there is no command {name}"
        group = group.commands[name]
    group.make_context("paceline", list(arguments), parent=context)


def assert_target(text: str) -> None:
    """That make has a plan for it."""
    words = shlex.split(text)[1:]
    done = subprocess.run(["make", "--dry-run", "--always-make", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert any("=" not in word for word in words), "make is given no target"


def test_the_index_names_every_page() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    pages = [page for page in documents() if page.parent == ROOT / "docs" and page.name != "README.md"]
    assert [page.name for page in pages if f"]({page.name}" not in index] == []


@pytest.mark.parametrize("page", documents(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if link and not (page.parent / link).exists()] == []


def test_every_command_stands_in_a_group_of_the_help() -> None:
    commands = typer.main.get_command(build()).commands
    outside = {name: c.rich_help_panel for name, c in commands.items() if c.rich_help_panel not in PANELS and not c.hidden}
    assert outside == {}


def test_the_help_shows_its_groups_in_the_order_of_who_is_new() -> None:
    shown = CliRunner().invoke(build(), ["--help"], env={"COLUMNS": "120"}).output
    places = [shown.index(f"─ {panel} ─") for panel in PANELS]
    assert places == sorted(places)
