"""Collects all facts, side by side, and has them judged."""

from concurrent.futures import ThreadPoolExecutor

from infra.clock import Clock
from infra.doctor import probe_house, probe_servers
from infra.doctor.check_house import check_house
from infra.doctor.check_servers import check_servers
from infra.doctor.facts import Facts
from infra.doctor.finding import Finding
from infra.settings import Settings


def collect(settings: Settings, clock: Clock) -> Facts:
    """What can be found out. Embedded servers of a Paceline that stands still are not asked."""
    home = probe_house.home(settings)
    with ThreadPoolExecutor(4, thread_name_prefix="probe") as side_by_side:
        kafka = side_by_side.submit(probe_servers.kafka, settings, clock) if home.running or settings.kafka else None
        warehouse = (
            side_by_side.submit(probe_servers.warehouse, settings, clock) if home.running or settings.clickhouse else None
        )
        by_address = bool(settings.postgres.get_secret_value())
        postgres = side_by_side.submit(probe_servers.postgres, settings, clock) if home.running or by_address else None
        return Facts(
            expected=probe_house.expected(settings),
            machine=probe_house.machine(settings),
            home=home,
            kafka=kafka.result() if kafka else None,
            warehouse=warehouse.result() if warehouse else None,
            postgres=postgres.result() if postgres else None,
            answers=probe_house.answers(settings) if home.running else (),
        )


def judge(facts: Facts) -> list[Finding]:
    """What is wrong, the worst first."""
    return sorted([*check_house(facts), *check_servers(facts)], key=lambda finding: finding.level != "broken")
