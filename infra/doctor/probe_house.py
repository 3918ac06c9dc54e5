"""Asks the machine, the home and our own processes. None of these questions changes anything."""

import os
import shutil
from pathlib import Path
from typing import Any

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families

from infra.doctor.facts import AnswerFacts, Expected, HomeFacts, MachineFacts, ProcessFacts, SecretFile, TakenPort
from infra.processes import flow_port, replica_name, stages
from infra.settings import Settings
from infra.supervisor.ports import is_free
from infra.supervisor.run_folder import RunFolder

PROBE_S = 3.0
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
LAG, EXPIRED = "paceline_flow_lag_messages", "paceline_flow_messages_expired_total"


def expected(settings: Settings) -> Expected:
    """What the settings say."""
    hosts = {"PACELINE_API_HOST": settings.api_host, "PACELINE_GATEWAY_HOST": settings.gateway_host}
    return Expected(
        clickhouse_embedded=not settings.clickhouse,
        clickhouse_memory_mb=settings.clickhouse_memory_mb,
        clickhouse_keep_free_mb=settings.clickhouse_keep_free_mb,
        kafka_replication=settings.kafka_replication,
        any_embedded=not (settings.kafka and settings.clickhouse and settings.postgres.get_secret_value()),
        open_hosts=tuple(f"{name}={host}" for name, host in hosts.items() if host not in LOOPBACK),
    )


def machine(settings: Settings) -> MachineFacts:
    """Disk of the home, or of the nearest folder above it that exists; memory."""
    folder = next(path for path in (settings.home, *settings.home.parents) if path.is_dir())
    disk, memory = shutil.disk_usage(folder), psutil.virtual_memory()
    return MachineFacts(disk.free, disk.total, memory.total, memory.available)


def home(settings: Settings) -> HomeFacts:
    """The home, who runs on it, and while nobody does, which of its ports are taken."""
    folder = RunFolder(settings.home)
    running, state = folder.holder() is not None, folder.read_state()
    present = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    processes = tuple(ProcessFacts(c.name, c.state, c.starts, c.why, c.log) for c in state.children) if state else ()
    return HomeFacts(
        path=str(settings.home),
        writable=os.access(present, os.W_OK | os.X_OK),
        running=running,
        processes=processes if running else (),
        secrets=_secrets(settings.home / "secrets"),
        taken_ports=() if running else _taken_ports(settings),
    )


def answers(settings: Settings) -> tuple[AnswerFacts, ...]:
    """What our processes answer, those of other supervisors on this machine included."""
    apis, gateways = settings.replicas("api"), settings.replicas("gateway")
    doors = {replica_name("api", number): one.api_url for number, one in enumerate(apis)}
    doors |= {replica_name("gateway", number): one.gateway_url for number, one in enumerate(gateways)}
    asked = doors | {
        f"flow-{flow}-{group}": f"http://127.0.0.1:{flow_port(settings, flow, group)}"
        for group in range(settings.flow_groups)
        for flow in ("store", "live")
    }
    return tuple(_answer(name, url) for name, url in asked.items())


def _secrets(folder: Path) -> tuple[SecretFile, ...]:
    if not folder.is_dir():
        return ()
    return tuple(SecretFile(str(path), path.stat().st_mode & 0o777) for path in (folder, *sorted(folder.iterdir())))


def _taken_ports(settings: Settings) -> tuple[TakenPort, ...]:
    ports = [port for stage in stages(settings) for child in stage.children for port in child.ports]
    return tuple(TakenPort(port.number, port.setting) for port in ports if not is_free(port))


def _answer(name: str, url: str) -> AnswerFacts:
    try:
        ready = httpx.get(f"{url}/ready", timeout=PROBE_S, trust_env=False)
        values = _numbers(httpx.get(f"{url}/metrics", timeout=PROBE_S, trust_env=False).text)
        health = httpx.get(f"{url}/health", timeout=PROBE_S, trust_env=False)
    except httpx.HTTPError as failure:
        return AnswerFacts(name, url, ready=False, why=f"it does not answer at {url} ({type(failure).__name__})")
    said, path = _json(ready), _json(health).get("live_path", {})
    missing = [part for part, good in said.get("checks", {}).items() if not good]
    why = (
        said.get("reason")
        or said.get("detail")
        or (f"{', '.join(missing)} failing" if missing else f"HTTP {ready.status_code}")
    )
    return AnswerFacts(
        name=name,
        url=url,
        ready=ready.is_success,
        why="" if ready.is_success else why,
        lag_messages=int(values[LAG]) if LAG in values else None,
        expired_messages=int(values.get(EXPIRED, 0)),
        live_path=path.get("problem", ""),
        live_path_missing=path.get("state") == "missing",
    )


def _json(answer: httpx.Response) -> dict[str, Any]:
    return answer.json() if answer.headers.get("content-type", "").startswith("application/json") else {}


def _numbers(text: str) -> dict[str, float]:
    """The two that are asked for, summed over their labels."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name in {LAG, EXPIRED}:
                found[sample.name] = found.get(sample.name, 0) + sample.value
    return found
