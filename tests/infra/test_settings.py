"""Settings: all faults at once, secrets never shown, children see what their parent saw."""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from infra.errors import PacelineError
from infra.processes import stages
from infra.settings import GENERATED_SECRETS, Settings, child_environment, ensure_secrets, load_settings


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "infra.cli", *arguments],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_every_fault_is_reported_together_and_by_its_variable(tmp_path: Path) -> None:
    faulty = run(
        "settings",
        PACELINE_HOME=str(tmp_path),
        PACELINE_KAFKA_PORT="80",
        PACELINE_LOG_LEVEL="loud",
        PACELINE_FLOW_EPOCH_S="never",
        PACELINE_CLICKHOUSE="warehouse.example:8123",
        PACELINE_POSTGRES="mysql://me:hush@db/x",
        PACELINE_KAFKA="broker:9093",
        PACELINE_KAFKA_SECURITY_PROTOCOL="SASL_SSL",
        PACELINE_API_PORT="28081",
    )
    assert faulty.returncode == 1
    named = set(re.findall(r"^  (PACELINE_\w+): ", faulty.stderr, re.MULTILINE))
    first = {"PACELINE_KAFKA_PORT", "PACELINE_LOG_LEVEL", "PACELINE_FLOW_EPOCH_S", "PACELINE_CLICKHOUSE", "PACELINE_POSTGRES"}
    assert named == first | {"PACELINE_KAFKA_SASL_USERNAME", "PACELINE_FLOW_GROUPS"}
    assert "ports must differ" in faulty.stderr
    assert "hush" not in faulty.stderr
    assert "Traceback" not in faulty.stderr


def test_ports_that_collide_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PacelineError, match="ports must differ"):
        load_settings(home=tmp_path, api_port=29_093)
    with pytest.raises(PacelineError, match="ports must differ"):
        load_settings(home=tmp_path, metrics_port=28_074, flow_groups=4)
    with pytest.raises(PacelineError, match="ports must differ"):
        load_settings(home=tmp_path, api_port=28_000, gateway_port=28_200, api_replicas=3)


def test_replicas_differ_in_their_ports_only(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path, api_replicas=2, gateway_replicas=3)
    assert [one.api_port for one in settings.replicas("api")] == [28_080, 28_180]
    assert [one.gateway_port for one in settings.replicas("gateway")] == [28_081, 28_181, 28_281]
    second = child_environment(settings.replicas("gateway")[1])
    first = child_environment(settings.replicas("gateway")[0])
    assert {name for name in second if second[name] != first.get(name)} == {"PACELINE_GATEWAY_PORT"}
    names = [child.name for stage in stages(settings) for child in stage.children]
    assert names[-5:] == ["api", "api-2", "gateway", "gateway-2", "gateway-3"]


def test_where_the_gateway_is_reached_may_differ_from_where_it_listens(tmp_path: Path) -> None:
    assert load_settings(home=tmp_path).gateway_url == "http://127.0.0.1:28081"
    assert load_settings(home=tmp_path, gateway="https://gym.example/").gateway_url == "https://gym.example"
    with pytest.raises(PacelineError, match="PACELINE_GATEWAY: must be http"):
        load_settings(home=tmp_path, gateway="gym.example:28081")


def test_a_password_in_an_address_that_is_shown_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PacelineError, match="must name no user") as refused:
        load_settings(home=tmp_path, clickhouse="https://me:hush@warehouse/paceline")
    assert "hush" not in str(refused.value)


def test_shown_settings_hide_every_secret(tmp_path: Path) -> None:
    secrets = {f"PACELINE_{name.upper()}": f"hush-{name}" for name in (*GENERATED_SECRETS, "kafka_sasl_password")}
    shown = run("settings", PACELINE_HOME=str(tmp_path), PACELINE_POSTGRES="postgresql://me:hush-pg@db/x", **secrets)
    assert shown.returncode == 0, shown.stderr
    assert "PACELINE_JWT_SECRET" in shown.stdout
    assert "hush" not in shown.stdout + shown.stderr


def test_words_that_look_like_markup_are_printed_as_they_are(tmp_path: Path) -> None:
    told = run("simulate", "--class", "spin", "--scenario", "[/bold]", PACELINE_HOME=str(tmp_path))
    assert told.returncode == 1
    assert told.stderr.startswith("Error: There is no scenario '[/bold]'")


def test_generated_secrets_are_random_kept_and_closed_to_others(tmp_path: Path) -> None:
    first, again = ensure_secrets(load_settings(home=tmp_path)), load_settings(home=tmp_path)
    values = [getattr(first, name).get_secret_value() for name in GENERATED_SECRETS]
    assert len(set(values)) == len(values)
    assert [getattr(again, name).get_secret_value() for name in GENERATED_SECRETS] == values
    assert [ensure_secrets(Settings(home=tmp_path)).jwt_secret] == [first.jwt_secret], "a start at the same time agrees"
    files = list((tmp_path / "secrets").iterdir())
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


def test_a_child_sees_the_settings_of_its_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parent = ensure_secrets(
        load_settings(home=tmp_path, api_port=21_000, kafka="broker:9092", postgres="postgresql://a:b@db/x", flow_groups=2)
    )
    monkeypatch.setenv("PACELINE_LOG_LEVEL", "debug")
    environment = child_environment(parent)
    assert not [value for name, value in environment.items() if value == parent.jwt_secret.get_secret_value()]
    for name in [name for name in os.environ if name.startswith("PACELINE_")]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert load_settings() == parent
