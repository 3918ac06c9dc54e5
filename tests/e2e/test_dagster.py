"""`paceline up --dagster`: an admin reaches Dagster from the page, sees an asset, computes a day; a trainer does not get in."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect

from infra.supervisor.run_folder import RunFolder
from infra.warehouse import open_client
from tests.e2e.conftest import MEMBERS, POLLED, House, run_command, up
from tests.orchestration.gym import Gym, Held
from tests.running import settings_in, temporary_home, wait_until
from tests.ui.conftest import LAPTOP

pytestmark = [pytest.mark.servers, pytest.mark.pages]
WHILE_MS = 60_000
FILL = """
mutation Fill($days: [String!]!) {
  launchPartitionBackfill(backfillParams: {assetSelection: [{path: ["class_summary"]}, {path: ["member_daily"]}],
    partitionNames: $days}) { __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } }
}"""
RUNS = """
query Runs($id: String!) {
  runsOrError(filter: {tags: [{key: "dagster/backfill", value: $id}]}) {... on Runs {results {status}}}
}"""


@dataclass
class Upkeep:
    """The house with Dagster, and a class of a past day whose summary is missing."""

    house: House
    page: Page
    held: Held
    foreign: list[str]

    def ask(self, query: str, **variables: object) -> Any:
        """GraphQL as Dagster's own pages send it."""
        script = """async ([query, variables]) => (await fetch("/dagster/graphql", {method: "POST",
            headers: {"Content-Type": "application/json"}, body: JSON.stringify({query, variables})})).json()"""
        answer = self.page.evaluate(script, [query, variables])
        assert "errors" not in answer, answer
        return answer["data"]


@pytest.fixture(scope="module")
def upkeep(browser: Browser) -> Iterator[Upkeep]:
    with temporary_home() as home:
        settings = settings_in(home, **POLLED)
        with up(settings, "--dagster"):
            seeded = run_command(settings, "seed", "--demo", "--members", str(MEMBERS), "--json")
            house = House(settings, json.loads(seeded.stdout))
            gym = Gym(settings, house.seeded["members"][0]["id"])
            held = gym.held(gym.days_ago(2))
            page = browser.new_page(viewport={"width": LAPTOP[0], "height": LAPTOP[1]})
            page.set_default_timeout(WHILE_MS)
            expect.set_options(timeout=WHILE_MS)
            foreign: list[str] = []
            home_addresses = (house.url, "data:", "blob:")
            page.on("request", lambda asked: None if asked.url.startswith(home_addresses) else foreign.append(asked.url))
            yield Upkeep(house, page, held, foreign)
            page.context.close()
            children = RunFolder(home).read_state()
            gym.close()
        assert children
        left = [child.name for child in children.children if child.pid and psutil.pid_exists(child.pid)]
        assert left == [], "everything stops with the house"


def _sign_in(page: Page, house: House, role: str) -> None:
    page.goto(house.url)
    page.get_by_label("Mail address").fill(house.seeded[role]["email"])
    page.get_by_label("Password").fill(house.seeded[role]["password"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Classes")).to_be_visible()


def test_an_admin_opens_dagster_from_the_page_and_sees_an_asset(upkeep: Upkeep) -> None:
    page = upkeep.page
    _sign_in(page, upkeep.house, "admin")
    page.get_by_role("button", name="Dagster").click()
    page.wait_for_url("**/dagster/**")
    page.goto(f"{upkeep.house.url}/dagster/assets/member_daily")
    expect(page.get_by_text("Training load, fitness (CTL)").first).to_be_visible()
    assert upkeep.foreign == []


def _told(upkeep: Upkeep) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """The class's summary, and the members' days, as an analyst sees them."""
    asked = {"session": upkeep.held.session_id}
    with open_client(upkeep.house.settings, "analyst") as client:
        summary = "SELECT computed_from, attended FROM v_class_summaries WHERE session_id = {session:UUID}"
        days = "SELECT day, count() FROM v_member_daily WHERE load > 0 GROUP BY day"
        return list(client.query(summary, asked).result_rows), list(client.query(days).result_rows)


@pytest.fixture(scope="module")
def asked_for(upkeep: Upkeep) -> str:
    """A backfill, asked for when the admin is in; Dagster looks for such every half a minute."""
    assert _told(upkeep) == ([], [])
    made = upkeep.ask(FILL, days=[upkeep.held.day.isoformat()])["launchPartitionBackfill"]
    assert made["__typename"] == "LaunchBackfillSuccess", made
    return str(made["backfillId"])


@pytest.mark.usefixtures("asked_for")
def test_a_trainer_sees_no_door_and_gets_in_nowhere(upkeep: Upkeep) -> None:
    page = upkeep.page.context.browser.new_page()  # type: ignore[union-attr]  # it has one
    _sign_in(page, upkeep.house, "trainer")
    assert page.get_by_role("button", name="Dagster").count() == 0
    assert page.goto(f"{upkeep.house.url}/dagster/").status == 401  # type: ignore[union-attr]  # it answers
    page.context.close()
    with upkeep.house.signed_in("trainer") as trainer:
        assert trainer.post("/api/v1/dagster/pass").status_code == 403


def test_dagsters_processes_keep_their_secrets_out_of_sight(upkeep: Upkeep) -> None:
    state = RunFolder(upkeep.house.settings.home).read_state()
    assert state
    named = {child.name: child.pid for child in state.children}
    for name in ("dagster-code", "dagster-web", "dagster-daemon"):
        process = psutil.Process(named[name] or 0)
        assert not [c for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN], f"{name} listens on no port"
    sockets = upkeep.house.settings.dagster_socket_dir
    assert sockets.stat().st_mode & 0o777 == 0o700


def test_a_backfill_of_a_day_writes_the_summary_that_was_missing(upkeep: Upkeep, asked_for: str) -> None:
    def over() -> bool:
        runs = upkeep.ask(RUNS, id=asked_for)["runsOrError"]["results"]
        assert "FAILURE" not in {run["status"] for run in runs}
        return {run["status"] for run in runs} == {"SUCCESS"} and _told(upkeep)[1] != []

    wait_until(over, "the runs of the backfill are over", timeout_s=180, pause_s=0.5)
    assert _told(upkeep) == ([("telemetry_raw", 3)], [(upkeep.held.day, 3)])
    page = upkeep.page
    page.goto(f"{upkeep.house.url}/dagster/assets/class_summary?view=partitions&partition={upkeep.held.day}")
    expect(page.get_by_text("outcomes").first).to_be_visible()
