"""What a class left behind is still there after stopping and starting again."""

import json

import pytest

from infra.warehouse import open_client
from tests.e2e.conftest import MEMBERS, POLLED, House, run_command, up
from tests.e2e.straps import Straps
from tests.running import settings_in, temporary_home, wait_until

pytestmark = pytest.mark.servers


def _summary(house: House, session_id: str) -> dict[str, object]:
    with house.signed_in() as trainer:

        def written() -> bool:
            return trainer.get(f"/api/v1/sessions/{session_id}/summary").is_success

        wait_until(written, "the summary is written", pause_s=0.2)
        found: dict[str, object] = trainer.get(f"/api/v1/sessions/{session_id}/summary").json()
        return found


def test_a_class_survives_a_stop_and_a_start() -> None:
    with temporary_home() as home:
        settings = settings_in(home, **POLLED)
        with up(settings):
            house = House(
                settings, json.loads(run_command(settings, "seed", "--demo", "--members", str(MEMBERS), "--json").stdout)
            )
            with house.signed_in() as trainer:
                session_id = trainer.post(f"/api/v1/classes/{house.spin_id}/start").raise_for_status().json()["session_id"]
                members = [m["id"] for m in house.seeded["members"]]
                straps = Straps(settings.gateway_url, house.seeded["device_token"], dict.fromkeys(members, 140))
                straps.start()
                wait_until(lambda: straps.sent >= 12 * len(members), "twelve seconds of class")
                straps.stop()
                trainer.post(f"/api/v1/classes/{house.spin_id}/end").raise_for_status()
            before = _summary(house, session_id)
        with up(settings):
            assert _summary(house, session_id) == before
            reader = open_client(settings, "analyst")
            rows = reader.query("SELECT count() FROM v_telemetry_1s").result_rows[0][0]
            assert rows == straps.sent
            with house.signed_in() as trainer:
                again = trainer.post(f"/api/v1/classes/{house.spin_id}/start")
                assert again.status_code == 201, again.text
                assert again.json()["session_id"] != session_id
