"""From a strap's packets to a member's events: counters become rates, totals begin at 0, every value is held to its range."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from ingest.straps.characteristics.cycling_cadence import TICKS_PER_S, CyclingCadence
from ingest.straps.characteristics.cycling_power import CRANK_TICKS_PER_S, WHEEL_TICKS_PER_S, CyclingPower
from ingest.straps.characteristics.heart_rate import HeartRateMeasurement
from ingest.straps.characteristics.known import DECODERS, Measurement
from ingest.straps.characteristics.machine import MachineData
from ingest.straps.characteristics.packet import BadPacket
from ingest.straps.characteristics.revolutions import RevolutionCounter, Revolutions
from ingest.straps.characteristics.running import Running
from schemas.events import DeviceEvent

KCAL_IN_KJ = 1 / 4.184
RPM_MAX = 255
WHEEL_M = 2.105
"""The circumference of a 700 × 25C wheel."""
WHEEL_RPM_MAX = 45 / WHEEL_M * 60
"""45 m/s, the fastest that a speed may be."""
Values = tuple[str, dict[str, Any]]
"""An event's type, and what it measured."""


class RunningTotal:
    """A device's running total as one that began at 0 when we first saw it, whatever the device does to its own."""

    def __init__(self) -> None:
        self._last: float | None = None
        self._total = 0.0

    def follow(self, value: float) -> float | None:
        """The total so far; none when it has not moved. A total that falls was reset, and begins again at its new value."""
        last, self._last = self._last, value
        if last is None or value == last:
            return None
        self._total += value - last if value > last else value
        return self._total


class Measuring:
    """One strap on one member, for as long as this process follows it. Event ids never repeat."""

    def __init__(self, device_id: str, member_id: int) -> None:
        self.dropped: Counter[str] = Counter()
        """What did not become an event, by reason: `bad_packet` (not what the standard says), `implausible` (out of range)."""
        self.last_dropped = ""
        self._device_id = device_id
        self._member_id = member_id
        self._numbers = 0
        self._counters = {
            (CyclingPower, "wheel"): RevolutionCounter(count_bits=32, ticks_per_s=WHEEL_TICKS_PER_S, rpm_max=WHEEL_RPM_MAX),
            (CyclingPower, "crank"): RevolutionCounter(count_bits=16, ticks_per_s=CRANK_TICKS_PER_S, rpm_max=RPM_MAX),
            (CyclingCadence, "wheel"): RevolutionCounter(count_bits=32, ticks_per_s=TICKS_PER_S, rpm_max=WHEEL_RPM_MAX),
            (CyclingCadence, "crank"): RevolutionCounter(count_bits=16, ticks_per_s=TICKS_PER_S, rpm_max=RPM_MAX),
        }
        self._totals: dict[str, RunningTotal] = {}

    def events(self, characteristic: str, content: bytes, at_ms: int) -> list[DeviceEvent]:
        """The events of one packet that came at this time. Never raises: what is no good is counted in `dropped`."""
        try:
            measurement = DECODERS[characteristic](content)
        except BadPacket as fault:
            self._drop("bad_packet", f"{characteristic[4:8]} {content.hex()}: {fault}")
            return []
        found = [self._checked(kind, values, at_ms) for kind, values in self._values(measurement, at_ms)]
        return [event for event in found if event is not None]

    def _values(self, measurement: Measurement, at_ms: int) -> Iterator[Values]:
        match measurement:
            case HeartRateMeasurement():
                yield from self._heart(measurement)
            case CyclingPower():
                yield "power", {"source": "power_meter", "power_watts": measurement.power_watts}
                yield from self._turning(measurement, at_ms)
            case CyclingCadence():
                yield from self._turning(measurement, at_ms)
            case Running():
                yield from _run(measurement)
            case MachineData():
                yield from self._machine(measurement)

    def _heart(self, heart: HeartRateMeasurement) -> Iterator[Values]:
        values: dict[str, Any] = {"heart_rate_bpm": heart.heart_rate_bpm, "rr_ms": heart.rr_ms}
        yield "heart_rate", values if heart.contact is None else {**values, "contact": heart.contact}
        if heart.energy_kj is not None:
            yield from self._total("energy", "energy_kcal", heart.energy_kj * KCAL_IN_KJ, "heart_rate_monitor")

    def _turning(self, bike: CyclingPower | CyclingCadence, at_ms: int) -> Iterator[Values]:
        cadence_rpm = self._rpm(type(bike), "crank", bike.crank, at_ms)
        if cadence_rpm is not None:
            yield "cadence", {"source": "cadence_sensor", "cadence_rpm": round(cadence_rpm, 1)}
        wheel_rpm = self._rpm(type(bike), "wheel", bike.wheel, at_ms)
        if wheel_rpm is not None:
            yield "speed", {"source": "speed_sensor", "speed_mps": round(wheel_rpm * WHEEL_M / 60, 3)}

    def _rpm(self, kind: type[CyclingPower | CyclingCadence], part: str, now: Revolutions | None, at_ms: int) -> float | None:
        if now is None:
            return None
        try:
            return self._counters[kind, part].rpm(now, at_ms)
        except BadPacket as fault:
            self._drop("implausible", f"{part}: {fault}")
            return None

    def _machine(self, machine: MachineData) -> Iterator[Values]:
        """The machine's own heart rate is left out: hand grips are no strap, and would speak against it."""
        source = {"source": "fitness_machine"}
        if machine.speed_kmh is not None:
            distance = {} if machine.distance_m is None else {"distance_m": machine.distance_m}
            yield "speed", {**source, "speed_mps": round(machine.speed_kmh / 3.6, 3), **distance}
        if machine.power_watts is not None:
            yield "power", {**source, "power_watts": int(machine.power_watts)}
        if machine.cadence_rpm is not None:
            yield "cadence", {**source, "cadence_rpm": machine.cadence_rpm}
        if machine.step_count is not None:
            yield from self._total("steps", "step_count", machine.step_count, "fitness_machine")
        if machine.energy_kcal is not None:
            yield from self._total("energy", "energy_kcal", machine.energy_kcal, "fitness_machine")

    def _total(self, kind: str, name: str, value: float, source: str) -> Iterator[Values]:
        total = self._totals.setdefault(f"{source}/{name}", RunningTotal()).follow(value)
        if total is not None:
            yield kind, {"source": source, name: int(total) if kind == "steps" else round(total, 1)}

    def _checked(self, kind: str, values: dict[str, Any], at_ms: int) -> DeviceEvent | None:
        """Held to the same ranges as at the gateway's door, so that nothing travels only to be refused."""
        self._numbers += 1
        envelope = {
            "type": kind,
            "event_id": f"{self._device_id}-{at_ms:x}-{self._numbers:x}",
            "member_id": self._member_id,
            "device_id": self._device_id,
            "event_time_ms": at_ms,
        }
        try:
            event: DeviceEvent = msgspec.convert({**envelope, **values}, DeviceEvent)
        except msgspec.ValidationError as fault:
            self._drop("implausible", f"{kind}: {fault}")
            return None
        return event

    def _drop(self, reason: str, detail: str) -> None:
        self.dropped[reason] += 1
        self.last_dropped = detail


def _run(run: Running) -> Iterator[Values]:
    """Cadence in steps of one foot, as recordings have it."""
    distance = {} if run.distance_m is None else {"distance_m": run.distance_m}
    yield "speed", {"source": "foot_pod", "speed_mps": round(run.speed_mps, 3), **distance}
    yield "cadence", {"source": "foot_pod", "cadence_rpm": run.steps_per_minute / 2}
