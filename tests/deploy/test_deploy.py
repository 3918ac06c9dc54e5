"""What stands in infra/deploy is valid by its schemas, and fits together with the program."""

import json
import re
import subprocess
import tomllib
from importlib.resources import files
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import typer.main
import yaml

from infra.cli import build
from infra.processes import flow_port
from infra.settings import GENERATED_SECRETS, Settings, load_settings
from schemas.topics import SESSION_PARTITIONS
from tests.running import ROOT

DEPLOY = ROOT / "infra" / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
COMPOSE = yaml.safe_load((DEPLOY / "compose" / "compose.yml").read_text())
OURS = {name: service for name, service in COMPOSE["services"].items() if service["image"] == "paceline:latest"}
COMMANDS = typer.main.get_command(build()).commands  # type: ignore[attr-defined]  # a group, as its own test sees
MANIFESTS = [
    manifest
    for path in sorted(KUBERNETES.glob("*.yaml"))
    if path.name != "kustomization.yaml"
    for manifest in yaml.safe_load_all(path.read_text())
]
PODS = {m["metadata"]["name"]: m for m in MANIFESTS if m["kind"] in {"Deployment", "StatefulSet", "Job"}}
CONFIGURED = next(manifest["data"] for manifest in MANIFESTS if manifest["kind"] == "ConfigMap")
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()


def _named(manifest: dict[str, Any]) -> str:
    return f"{manifest['kind']}-{manifest['metadata']['name']}"


def test_the_compose_file_keeps_to_the_specification() -> None:
    schema = json.loads(files("check_jsonschema").joinpath("builtin_schemas", "vendor", "compose-spec.json").read_text())
    jsonschema.validate(COMPOSE, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(COMPOSE | {"services": {"api": {"image": 7}}}, schema)


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_a_service_names_only_what_is_there_and_has_limits(name: str) -> None:
    service = COMPOSE["services"][name]
    assert set(service.get("depends_on", ())) <= COMPOSE["services"].keys()
    assert set(service["networks"]) <= COMPOSE["networks"].keys()
    assert service["deploy"]["resources"]["limits"].keys() >= {"cpus", "memory"}
    for volume in service.get("volumes", ()):
        source = volume.split(":")[0]
        assert source in COMPOSE["volumes"] or (DEPLOY / "compose" / source).is_file()
    for secret in service.get("secrets", ()):
        assert (secret["source"] if isinstance(secret, dict) else secret) in COMPOSE["secrets"]


@pytest.mark.parametrize("name", OURS)
def test_a_container_of_ours_is_closed_and_runs_a_command_that_exists(name: str) -> None:
    service = OURS[name]
    assert service["command"][0] in COMMANDS
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]


@pytest.mark.parametrize("environment", [OURS["api"]["environment"], CONFIGURED], ids=["compose", "kubernetes"])
def test_settings_that_are_named_exist_and_can_be_used(environment: dict[str, str], tmp_path: Any) -> None:
    known = {f"PACELINE_{name.upper()}" for name in Settings.model_fields}
    assert environment.keys() <= known
    values = {
        name.removeprefix("PACELINE_").lower(): value for name, value in environment.items() if not name.endswith("_FILE")
    }
    settings = load_settings(home=tmp_path, **values)
    assert settings.kafka
    assert settings.clickhouse
    assert SESSION_PARTITIONS % settings.flow_groups == 0


def test_every_secret_that_would_be_made_up_is_handed_in(tmp_path: Any) -> None:
    handed = {secret["target"] for secret in OURS["api"]["secrets"]}
    wanted = {f"/var/lib/paceline/secrets/paceline_{name}" for name in (*GENERATED_SECRETS, "postgres")}
    assert handed == wanted
    script = tmp_path / "secrets.sh"
    script.write_text((DEPLOY / "compose" / "secrets.sh").read_text())
    made = [_secrets_by(script, tmp_path) for _ in range(2)]
    assert made[0] == made[1], "what is there stays"
    assert {f"secrets/{name}" for name in made[0]} == {secret["file"] for secret in COMPOSE["secrets"].values()}
    assert made[0]["postgres_password"] in made[0]["postgres"]
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    load_settings(home=tmp_path / "home", postgres=made[0]["postgres"])


def _secrets_by(script: Any, folder: Any) -> dict[str, str]:
    subprocess.run(["sh", str(script)], check=True)
    return {path.name: path.read_text() for path in (folder / "secrets").iterdir()}


def test_compose_runs_every_process_and_every_partition_group_once() -> None:
    groups = int(OURS["api"]["environment"]["PACELINE_FLOW_GROUPS"])
    flows = [service["command"] for service in OURS.values() if service["command"][0] == "flow"]
    assert sorted(flows) == sorted(
        ["flow", flow, "--group", str(group)] for flow in ("store", "live") for group in range(groups)
    )
    assert {"api", "gateway", "migrate"} <= OURS.keys()
    brokers = [name for name in COMPOSE["services"] if name.startswith("kafka-")]
    assert OURS["api"]["environment"]["PACELINE_KAFKA"] == ",".join(f"{name}:9092" for name in brokers)
    assert len(brokers) == int(OURS["api"]["environment"]["PACELINE_KAFKA_REPLICATION"]) == 3


def test_probes_and_prometheus_ask_where_processes_listen(tmp_path: Any) -> None:
    settings = load_settings(home=tmp_path, flow_groups=2)
    ports = {"api": settings.api_port, "gateway": settings.gateway_port} | {
        f"flow-{flow}-{group}": flow_port(settings, flow, group) for flow in ("store", "live") for group in range(2)
    }
    for name, port in ports.items():
        assert f"http://127.0.0.1:{port}/health" in OURS[name]["healthcheck"]["test"][-1]
    scraped = yaml.safe_load((DEPLOY / "observability" / "prometheus.yml").read_text())["scrape_configs"][0]["static_configs"]
    assert set(scraped[0]["targets"]) == {f"{name}:{port}" for name, port in ports.items()}


@pytest.mark.parametrize("manifest", MANIFESTS, ids=_named)
def test_a_manifest_is_what_kubernetes_takes(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, "1.33", strict=True)


def test_a_manifest_with_a_slip_would_be_noticed() -> None:
    slip = json.loads(json.dumps(PODS["api"]))
    slip["spec"]["template"]["spec"]["containers"][0]["livenesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(slip, "1.33", strict=True)


def test_the_kustomization_lists_every_manifest() -> None:
    listed = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["resources"]
    assert sorted(listed) == sorted(path.name for path in KUBERNETES.glob("*.yaml") if path.name != "kustomization.yaml")


@pytest.mark.parametrize("name", PODS)
def test_a_pod_is_unprivileged_and_bounded(name: str) -> None:
    pod = PODS[name]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert not pod["automountServiceAccountToken"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["resources"].keys() == {"requests", "limits"}
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    claimed = {claim["metadata"]["name"] for claim in PODS[name]["spec"].get("volumeClaimTemplates", ())}
    assert mounted == {volume["name"] for volume in pod["volumes"]} | claimed


@pytest.mark.parametrize("name", ["api", "gateway", "flow-store", "flow-live"])
def test_a_pod_is_restarted_by_health_and_served_by_readiness(name: str) -> None:
    [container] = PODS[name]["spec"]["template"]["spec"]["containers"]
    paths = {probe: container[probe]["httpGet"]["path"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert paths == {"startupProbe": "/health", "livenessProbe": "/health", "readinessProbe": "/ready"}
    words = container.get("command", []) + container["args"]
    assert any(re.search(rf"(^|paceline ){name.partition('-')[0]}\b", word) for word in words)


@pytest.mark.parametrize("flow", ["store", "live"])
def test_every_pod_of_a_flow_listens_on_the_port_that_is_probed(flow: str, tmp_path: Any) -> None:
    groups, manifest = int(CONFIGURED["PACELINE_FLOW_GROUPS"]), PODS[f"flow-{flow}"]
    assert manifest["spec"]["replicas"] == groups
    [container] = manifest["spec"]["template"]["spec"]["containers"]
    program = tmp_path / "paceline"
    program.write_text('#!/bin/sh\necho "$PACELINE_METRICS_PORT $*"\n')
    program.chmod(0o755)
    for group in range(8):
        words = [*container["command"], *container["args"]]
        around = {"GROUP": str(group), "PATH": f"{tmp_path}:/usr/bin:/bin"}
        said = subprocess.run(words, env=around, capture_output=True, text=True, check=True).stdout.split()
        assert said[1:] == ["flow", flow, "--group", str(group)]
        here = load_settings(home=tmp_path, flow_groups=group + 1, metrics_port=int(said[0]))
        assert flow_port(here, flow, group) == container["ports"][0]["containerPort"]


def test_the_image_is_built_from_files_that_are_there_and_runs_as_nobody_in_particular() -> None:
    lines = [line.split() for line in DOCKERFILE.splitlines() if line and not line.startswith("#")]
    copied = [word for line in lines if line[0] == "COPY" and not line[1].startswith("--from") for word in line[1:-1]]
    assert [name for name in copied if not (ROOT / name).exists()] == []
    allowed = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert {name.split("/")[0] for name in copied} <= allowed
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert set(declared) <= {name for name in copied if "/" not in name}
    assert [line for line in lines if line[0] == "USER"][-1] == ["USER", "10001:10001"]
    assert lines[-2] == ["ENTRYPOINT", '["paceline"]']
    assert all(":" in line[1] for line in lines if line[0] == "FROM"), "every base has a version"
