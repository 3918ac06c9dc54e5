"""Probes that need no server: a home that stands still, and servers that are not there."""

import socket
from pathlib import Path

from infra.clock import system_clock
from infra.doctor.examine import collect, judge
from tests.running import settings_in


def test_a_home_that_stands_still_is_looked_at_without_asking_its_servers(tmp_path: Path) -> None:
    settings = settings_in(tmp_path / "home")
    (settings.home / "secrets" / "paceline_jwt_secret").chmod(0o604)
    with socket.create_server(("127.0.0.1", settings.gateway_port)):
        facts = collect(settings, system_clock)
    assert (facts.kafka, facts.warehouse, facts.postgres, facts.answers) == (None, None, None, ())
    assert [port.setting for port in facts.home.taken_ports] == ["PACELINE_GATEWAY_PORT"]
    problems = " ".join(finding.problem for finding in judge(facts))
    assert "is not running" in problems
    assert "(mode 604)" in problems
    assert list((settings.home).iterdir()) == [settings.home / "secrets"], "looking changes nothing"


def test_servers_by_address_that_are_away_are_told_in_words(tmp_path: Path) -> None:
    settings = settings_in(
        tmp_path / "home",
        kafka="127.0.0.1:1",
        clickhouse="http://127.0.0.1:1/paceline",
        postgres="postgresql://gym:secret@127.0.0.1:1/gym",
    )
    found = {finding.about: finding for finding in judge(collect(settings, system_clock))}
    for about, words in {"kafka": "does not answer", "warehouse": "does not answer", "postgres": "does not answer"}.items():
        assert words in found[about].problem
        assert found[about].remedy
    assert "secret" not in " ".join(finding.problem for finding in found.values())
