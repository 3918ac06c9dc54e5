"""One recording, four places, the same numbers: `paceline analyze`, the analyst's views, the API, the page.

A class is begun an hour in the past (the API's own code with a clock that says so), so that whole recordings replayed with
`--shift` keep their seconds and still lie within it.
"""

import json
import re
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy.orm import sessionmaker

from api.directory.change import Change
from api.directory.collection import start
from api.principal import Principal
from infra.postgres import open_engine
from infra.warehouse import open_client
from tests.conftest import SHARED_DATA
from tests.e2e.conftest import House
from tests.recordings import simulated_ride, write_fit
from tests.running import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.pages]

HOUR_MS = 3_600_000
MADE = "made.fit"
REAL = ("indoor_trainer.fit", "interval_run_14_laps_rr.fit")
"""A ride with power and a run with speed, distance and beats."""
OTHER_IDS = {"first_value_at", "last_value_at"}
"""When it was, which a replay changes."""
ON_PAGE = {
    "Avg HR": ("heart_rate_avg_bpm", 0),
    "Max HR": ("heart_rate_max_bpm", 0),
    "Intensity": ("intensity", 1),
    "Effort points": ("effort_points", 0),
    "TRIMP": ("trimp", 0),
    "kcal": ("energy_kcal", 0),
    "Avg W": ("power_avg_watts", 0),
}
PATIENCE_MS = 60_000


@dataclass(frozen=True)
class Replayed:
    """A recording that went through the house, and what `analyze` says of it for the member who sent it."""

    member_id: int
    member_name: str
    analysis: dict[str, Any]

    @property
    def totals(self) -> dict[str, Any]:
        return {name: value for name, value in self.analysis["member_summary"].items() if name not in OTHER_IDS}


@dataclass(frozen=True)
class Afternoon:
    """The class that has ended, and its summary as the API tells it."""

    house: House
    session_id: str
    replayed: dict[str, Replayed]
    summary: dict[str, Any]

    def told(self, file: str) -> dict[str, Any]:
        return next(row for row in self.summary["members"] if row["member_id"] == self.replayed[file].member_id)


@pytest.fixture(scope="module")
def afternoon(house: House, tmp_path_factory: pytest.TempPathFactory) -> Afternoon:
    made = write_fit(tmp_path_factory.mktemp("ride") / MADE, simulated_ride(600))
    files = [made, *(SHARED_DATA / "activities" / name for name in REAL if SHARED_DATA.is_dir())]
    session_id = _begun_an_hour_ago(house)
    with house.signed_in() as trainer:
        record = trainer.get(f"/api/v1/live/sessions/{session_id}").raise_for_status().json()["session"]
        people = record["participants"]
        with ThreadPoolExecutor(2) as hands:
            sent = list(hands.map(lambda path, person: _replay(house, path, person), files, people))
        replayed = {path.name: one for path, one in zip(files, sent, strict=True)}
        live = f"/api/v1/live/sessions/{session_id}"
        wait_until(lambda: _all_live(trainer.get(live).raise_for_status().json(), replayed), "all seconds live", pause_s=0.2)
        trainer.post(f"/api/v1/classes/{house.spin_id}/end").raise_for_status()
        summary = f"/api/v1/sessions/{session_id}/summary"
        wait_until(lambda: trainer.get(summary).status_code == 200, "the summary is written", pause_s=0.2)
        return Afternoon(house, session_id, replayed, trainer.get(summary).json())


@pytest.fixture(params=[MADE, *REAL])
def file(request: pytest.FixtureRequest) -> str:
    """One recording after the other; without real ones those are skipped, and say so."""
    if request.param != MADE:
        request.getfixturevalue("shared_data")
    return str(request.param)


def _begun_an_hour_ago(house: House) -> str:
    engine = open_engine(house.settings)
    trainer = house.seeded["trainer"]
    with sessionmaker(engine, expire_on_commit=False).begin() as db:
        now_ms = int(time.time() * 1000)
        principal = Principal(trainer["id"], trainer["name"], "trainer", now_ms + HOUR_MS, sign_in_id="an hour ago")
        record = start(Change(db, now_ms - HOUR_MS, lambda: str(uuid4())), principal, house.spin_id, None)
    engine.dispose()
    with house.signed_in() as client:
        path = f"/api/v1/live/sessions/{record.session_id}"
        wait_until(lambda: client.get(path).status_code == 200, "the class runs", pause_s=0.1)
    return record.session_id


def _replay(house: House, path: Path, person: dict[str, Any]) -> Replayed:
    sent = house.run(
        *("replay", str(path), "--class", "spin", "--member", str(person["member_id"])),
        *("--shift", "--speed", "0", "--token", house.seeded["device_token"]),
    )
    assert sent.returncode == 0, sent.stderr
    told = house.run("analyze", str(path), "--json", *_athlete(person))
    assert told.returncode == 0, told.stderr
    return Replayed(person["member_id"], person["name"], json.loads(told.stdout))


def _athlete(person: dict[str, Any]) -> Iterator[str]:
    options = {
        "--sex": "sex",
        "--age": "age_years",
        "--mass": "mass_kg",
        "--max-hr": "max_heart_rate_bpm",
        "--resting-hr": "resting_heart_rate_bpm",
        "--threshold-hr": "threshold_heart_rate_bpm",
        "--ftp": "ftp_watts",
    }
    for option, name in options.items():
        if person.get(name) is not None and not (option == "--max-hr" and not person.get("max_heart_rate_measured")):
            yield from (option, str(person[name]))
    yield from ("--hr-zones", ",".join(map(str, person["heart_rate_zone_floors_bpm"])))


def _all_live(shown: dict[str, Any], replayed: dict[str, Replayed]) -> bool:
    live = shown["live"]
    if not live:
        return False
    averages = dict(zip(live["members"], live["columns"]["heart_rate_avg_bpm"], strict=True))
    wanted = {one.member_id: one.totals["heart_rate_avg_bpm"] for one in replayed.values()}
    return all(averages[member] is not None and abs(averages[member] - wanted[member]) < 0.06 for member in wanted)


def same(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Every total that `analyze` tells; it rounds to four decimals."""
    compared = {name: found[name] for name in wanted}
    for name, value in wanted.items():
        assert compared[name] == pytest.approx(value, abs=6e-5), (name, compared[name], value)


def test_analyze_tells_every_total_that_the_recording_allows(afternoon: Afternoon, file: str) -> None:
    totals = afternoon.replayed[file].totals
    expected = {"heart_rate_avg_bpm", "heart_rate_max_bpm", "zone_s", "intensity", "effort_points", "trimp", "energy_kcal"}
    channels = {
        MADE: {"power_avg_watts", "power_max_watts", "normalized_power_watts", "cadence_avg_rpm", "rmssd_ms"},
        REAL[0]: {"power_avg_watts", "power_max_watts", "normalized_power_watts", "cadence_avg_rpm"},
        REAL[1]: {"speed_avg_mps", "distance_m", "rmssd_ms"},
    }
    assert totals.keys() >= expected | channels[file]


def test_the_analyst_finds_the_numbers_of_analyze(afternoon: Afternoon, file: str) -> None:
    replayed = afternoon.replayed[file]
    analyst = open_client(afternoon.house.settings, "analyst")
    parameters = {"s": afternoon.session_id, "m": replayed.member_id}
    where = "WHERE session_id = {s:UUID} AND member_id = {m:UInt64}"
    found = analyst.query(f"SELECT * FROM v_member_summaries {where}", parameters=parameters)
    same(next(iter(found.named_results())), replayed.totals)
    asked = f"SELECT avg(heart_rate_bpm), max(heart_rate_bpm), avg(power_watts), count() FROM v_telemetry_1s {where}"

    def stored() -> Sequence[Any]:
        return analyst.query(asked, parameters=parameters).result_rows[0]

    # the summary is flow live's, the seconds are flow store's: either may be first
    wait_until(lambda: stored()[3] >= replayed.totals["seconds_seen"], "its seconds are stored", pause_s=0.2)
    seconds = stored()
    metrics = replayed.analysis
    assert seconds[0] == pytest.approx(metrics["hr_avg"], abs=6e-5)
    assert seconds[1] >= metrics["hr_max"]  # what is suspect is stored, but is no maximum
    assert seconds[2] == pytest.approx(metrics.get("power_avg"), abs=6e-5)
    assert seconds[3] == replayed.totals["seconds_seen"]
    minutes = analyst.query(
        f"SELECT sumForEach(zone_s), sum(trimp), sum(effort_points), sum(seconds_seen) FROM v_member_minutes {where}",
        parameters=parameters,
    ).result_rows[0]
    assert minutes[0] == pytest.approx(metrics["time_in_hr_zone"])
    assert minutes[1] == pytest.approx(metrics["trimp_banister"], abs=0.01)
    assert minutes[2] == pytest.approx(metrics["effort_points"], abs=0.01)
    assert minutes[3] == replayed.totals["seconds_seen"]


def test_the_api_tells_the_numbers_of_analyze(afternoon: Afternoon, file: str) -> None:
    replayed = afternoon.replayed[file]
    same(afternoon.told(file), replayed.totals)
    with afternoon.house.signed_in() as trainer:
        asked = {"session_id": afternoon.session_id, "metric": "heart_rate_bpm"}
        series = trainer.get(f"/api/v1/members/{replayed.member_id}/series", params=asked).raise_for_status().json()
        past = trainer.get("/api/v1/sessions", params={"limit": 5}).raise_for_status().json()["sessions"]
    values = [value for _, value in series["points"]]
    assert sum(values) / len(values) == pytest.approx(replayed.analysis["hr_avg"], abs=6e-5)
    listed = next(one for one in past if one["session_id"] == afternoon.session_id)
    assert listed["attended"] == len(afternoon.replayed)
    assert listed["average_intensity"] == pytest.approx(_class_intensity(afternoon), abs=6e-4)


def test_the_page_shows_the_numbers_of_analyze(afternoon: Afternoon, browser: Browser) -> None:
    login = afternoon.house.seeded["trainer"]
    page = browser.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{afternoon.house.url}/sessions/{afternoon.session_id}/summary")
    page.get_by_label("Mail address").fill(login["email"])
    page.get_by_label("Password").fill(login["password"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("table.members tbody tr").first).to_be_visible(timeout=PATIENCE_MS)
    heads = [_word(text) for text in page.locator("table.members thead th").all_inner_texts()]
    for replayed in afternoon.replayed.values():
        row = page.locator("table.members tbody tr", has=page.locator("th", has_text=replayed.member_name))
        cells = dict(zip(heads, row.locator("th, td").all_inner_texts(), strict=True))
        for head, (name, digits) in ON_PAGE.items():
            wanted = replayed.totals.get(name)
            shown = cells[head].strip()
            assert shown == "–" if wanted is None else _near(shown, wanted, digits), (replayed.member_name, head, shown, wanted)
        zones = row.locator(".zone-strip").get_attribute("title") or ""
        assert re.findall(r"\d+(?::\d\d)+", zones) == [_clock(seconds) for seconds in replayed.totals["zone_s"] if seconds > 0]
    average = page.locator("dl.stat", has_text="Average intensity").locator("strong").inner_text()
    assert _near(average, _class_intensity(afternoon), 1)
    page.context.close()


def _class_intensity(afternoon: Afternoon) -> float:
    each = [one.totals["intensity"] for one in afternoon.replayed.values()]
    return float(sum(each) / len(each))


def _near(shown: str, wanted: float, digits: int) -> bool:
    """Whether that is how the page writes the number; analyze's fourth decimal may decide which way a half goes."""
    unit: float = 10.0**-digits
    return abs(float(shown.replace(",", "")) - wanted) <= 0.5 * unit + 6e-5


def _word(head: str) -> str:
    return re.sub(r"[↑↓]", "", head).strip()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
