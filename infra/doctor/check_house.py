"""Judges the machine, the home and our own processes. Pure."""

from collections.abc import Iterator

from infra.doctor.facts import AnswerFacts, Facts
from infra.doctor.finding import Finding, Level

MEGABYTE, GIGABYTE = 1024**2, 1024**3
DISK_LOW_BYTES, DISK_LOW_SHARE = 5 * GIGABYTE, 0.05
DISK_RESERVE_MB = 128
"""Kafka, PostgreSQL and logs need some when the warehouse has stopped taking inserts."""
OTHERS_MEMORY_MB = 1_536
"""What Kafka, PostgreSQL and our processes take beside the warehouse."""
RESTARTS_MANY = 5
LAG_LONG, LAG_HOPELESS = 10_000, 1_000_000
OPEN_TO_OTHERS = 0o077


def check_house(facts: Facts) -> list[Finding]:
    """What is wrong on this machine."""
    return [
        *_disk(facts),
        *_memory(facts),
        *_home(facts),
        *_secrets(facts),
        *_processes(facts),
        *_answers(facts),
        *_doors(facts),
    ]


def _disk(facts: Facts) -> Iterator[Finding]:
    free, total = facts.machine.disk_free_bytes, facts.machine.disk_total_bytes
    needed = (facts.expected.clickhouse_keep_free_mb if facts.expected.clickhouse_embedded else 0) + DISK_RESERVE_MB
    said = f"The disk of {facts.home.path} has {free / GIGABYTE:.1f} GB left of {total / GIGABYTE:.0f} GB"
    if free < needed * MEGABYTE:
        remedy = "Make room or a larger disk; what is acknowledged stays, and everything goes on by itself when there is room."
        yield Finding("broken", "disk", f"{said}: the warehouse takes no more inserts, and Kafka soon stops", remedy)
    elif free < DISK_LOW_BYTES or free < total * DISK_LOW_SHARE:
        yield Finding("warning", "disk", said, "Make room before it is full, or move PACELINE_HOME to a larger disk.")


def _memory(facts: Facts) -> Iterator[Finding]:
    total_mb = facts.machine.memory_total_bytes / MEGABYTE
    wanted_mb = facts.expected.clickhouse_memory_mb + OTHERS_MEMORY_MB
    if facts.expected.clickhouse_embedded and total_mb < wanted_mb:
        problem = f"The machine has {total_mb:.0f} MB of memory, and the warehouse alone may take "
        problem += f"{facts.expected.clickhouse_memory_mb} MB"
        lower = max(256, int(total_mb) - OTHERS_MEMORY_MB)
        yield Finding("warning", "memory", problem, f"Set PACELINE_CLICKHOUSE_MEMORY_MB to {lower}, or take a larger machine.")
    elif facts.machine.memory_available_bytes < GIGABYTE // 2:
        problem = f"Only {facts.machine.memory_available_bytes / MEGABYTE:.0f} MB of memory are free"
        yield Finding("warning", "memory", problem, "End what else runs on this machine before the system ends one of ours.")


def _home(facts: Facts) -> Iterator[Finding]:
    home = facts.home
    if not home.writable:
        problem = f"{home.path} cannot be written by this user"
        yield Finding("broken", "home", problem, "Run as the user whom it belongs to, or set PACELINE_HOME.")
    if not home.running and facts.expected.any_embedded:
        yield Finding("broken", "home", f"Paceline is not running on {home.path}", "Start it: `paceline up`.")
    for port in home.taken_ports:
        problem = f"Port {port.number} is taken by another program, so Paceline will not start"
        yield Finding("broken", "ports", problem, f"Stop that program, or set {port.setting} to another port.")


def _secrets(facts: Facts) -> Iterator[Finding]:
    for file in facts.home.secrets:
        if file.mode & OPEN_TO_OTHERS:
            problem = f"{file.path} can be read or changed by other users of this machine (mode {file.mode:o})"
            yield Finding("warning", "secrets", problem, f"Close it: `chmod go= {file.path}`; if others were here, renew it.")


def _processes(facts: Facts) -> Iterator[Finding]:
    for process in facts.home.processes:
        if process.state != "ready":
            why = f": {process.why}" if process.why else ""
            remedy = f"It is started again by itself; why it fails is in {process.log}."
            yield Finding("broken", process.name, f"{process.name} is {process.state}{why}", remedy)
        elif process.starts > RESTARTS_MANY:
            problem = f"{process.name} was started {process.starts} times"
            yield Finding("warning", process.name, problem, f"Its log says why it ended: {process.log}.")


def _answers(facts: Facts) -> Iterator[Finding]:
    for answer in facts.answers:
        if not answer.ready:
            remedy = "Its log says more (`paceline status` names it)."
            yield Finding("broken", answer.name, f"{answer.name} is not ready: {answer.why or 'no answer'}", remedy)
        yield from _flow(answer)
        if answer.live_path:
            remedy = "Look at what else is found here; else at the logs of gateway, flow live and API (`paceline status`)."
            yield Finding("broken" if answer.live_path_missing else "warning", "live path", answer.live_path, remedy)


def _flow(answer: AnswerFacts) -> Iterator[Finding]:
    if answer.expired_messages:
        problem = f"{answer.expired_messages} messages were deleted before {answer.name} had read them: they are lost"
        remedy = "Never let a flow stand still for longer than the topic keeps messages (`paceline topics`)."
        yield Finding("warning", answer.name, problem, remedy)
    lag = answer.lag_messages or 0
    if lag >= LAG_LONG:
        remedy = "It catches up when it has just been started; else give it more processors or raise PACELINE_FLOW_GROUPS."
        level: Level = "broken" if lag >= LAG_HOPELESS else "warning"
        yield Finding(level, answer.name, f"{answer.name} is {lag:,} messages behind", remedy)


def _doors(facts: Facts) -> Iterator[Finding]:
    for setting in facts.expected.open_hosts:
        problem = f"{setting} lets other machines in, and what they send and read is not encrypted on the way"
        yield Finding("warning", "doors", problem, "Let a proxy that ends TLS stand in front (docs/production.md).")
