"""The class as it trains, second by second: effort, heart, beats, power and speed. Pure; all chance comes from the seed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.simulator.athletes import Athletes, Column
from ingest.simulator.plan import EffortPlan, Kind


@dataclass(frozen=True)
class Episode:
    """One member drives the heart above the personal limit for a while, and comes down again."""

    row: int
    start_s: int
    duration_s: int
    above_bpm: float = 7
    ramp_s: int = 15

    def holds(self, second: int) -> bool:
        return self.start_s - self.ramp_s <= second < self.start_s + self.duration_s

    def comes_down(self, second: int) -> bool:
        return self.start_s + self.duration_s <= second < self.start_s + self.duration_s + 30


@dataclass(frozen=True)
class Second:
    """What all bodies did in one second; rows are the athletes'. Columns that the class does not measure are none."""

    heart_rate_bpm: NDArray[np.int64]
    rr_ms: list[tuple[int, ...]]
    power_watts: NDArray[np.int64] | None
    cadence_rpm: Column | None
    speed_mps: Column | None
    distance_m: Column | None
    step_count: NDArray[np.int64] | None


class Bodies:
    """The state of all athletes; `step` moves it on by one second."""

    def __init__(
        self,
        athletes: Athletes,
        plan: EffortPlan,
        kind: Kind,
        rng: np.random.Generator,
        *,
        class_second: int = 0,
        episodes: Sequence[Episode] = (),
    ) -> None:
        self.athletes = athletes
        self._plan = plan
        self._kind = kind
        self._rng = rng
        self._class_second = class_second
        self._elapsed_s = 0
        self._episodes = episodes
        count = len(athletes.member_id)
        start = athletes.resting_bpm + athletes.reserve_bpm * plan.effort_at(class_second) * athletes.fitness
        self._heart = np.clip(start, athletes.floor_bpm, athletes.ceiling_bpm)
        self._sway = np.zeros(count)
        self._beat_phase_ms = rng.uniform(0, 800, count)
        self._breath = rng.uniform(0, 2 * np.pi, count)
        self._distance = np.zeros(count)
        self._steps = np.zeros(count)

    def step(self) -> Second:
        """The next second."""
        effort = self._plan.effort_at(self._class_second) * self.athletes.fitness
        self._move_hearts(effort)
        second = self._measure(effort)
        self._class_second += 1
        self._elapsed_s += 1
        return second

    def _move_hearts(self, effort: Column) -> None:
        people = self.athletes
        drift = people.drift_per_h * self._class_second / 3600
        wanted = people.resting_bpm + people.reserve_bpm * (effort + drift)
        wanted = np.clip(wanted, people.floor_bpm, people.ceiling_bpm)
        rise, fall = people.rise_s, people.fall_s
        for episode in self._episodes:
            row = slice(episode.row, episode.row + 1)
            if episode.holds(self._elapsed_s):
                wanted[row] = people.alarm_bpm[row] + episode.above_bpm
                rise = _with(rise, row, episode.ramp_s / 3)
            elif episode.comes_down(self._elapsed_s):
                wanted[row] = np.minimum(wanted[row], people.alarm_bpm[row] - 25)
                fall = _with(fall, row, 8)
        constant = np.where(wanted > self._heart, rise, fall)
        self._heart += (wanted - self._heart) / constant
        self._sway = 0.9 * self._sway + self._rng.normal(0, 0.6, len(self._sway))

    def _measure(self, effort: Column) -> Second:
        heart = np.clip(self._heart + self._sway, 30, 235)
        beats = self._beat(heart)
        bpm = np.rint(heart).astype(np.int64)
        if self._kind == "cycling":
            return Second(bpm, beats, self._power(effort), self._cadence(effort), None, None, None)
        if self._kind == "running":
            speed = self._speed(effort)
            self._distance += speed
            self._steps += np.rint(2.4 + 0.12 * speed)
            return Second(bpm, beats, None, None, speed, self._distance.copy(), self._steps.astype(np.int64))
        return Second(bpm, beats, None, None, None, None, None)

    def _power(self, effort: Column) -> NDArray[np.int64]:
        people = self.athletes
        share = np.clip(1.25 * effort - 0.05, people.power_low, people.power_high)
        noise = self._rng.normal(1, 0.03, len(share))
        return np.rint(np.clip(share * noise, people.power_low, people.power_high) * people.ftp_watts).astype(np.int64)

    def _cadence(self, effort: Column) -> Column:
        return _rounded(np.clip(78 + 14 * effort + self._rng.normal(0, 1.2, len(effort)), 40, 130), 1)

    def _speed(self, effort: Column) -> Column:
        people = self.athletes
        free = people.top_speed_mps * (0.35 + 0.6 * effort)
        wanted = np.where(np.isnan(people.pace_mps), free, people.pace_mps)
        return _rounded(np.clip(wanted * self._rng.normal(1, 0.015, len(wanted)), 0.5, 9), 2)

    def _beat(self, heart: Column) -> list[tuple[int, ...]]:
        """The intervals that ended within this second: breathing sways them, less the harder the heart works."""
        people = self.athletes
        load = np.clip((heart - people.resting_bpm) / people.reserve_bpm, 0, 1)
        amplitude = 45 * (1 - load) ** 2 + 2
        self._breath += 2 * np.pi * (0.22 + 0.25 * load)
        mean = 60_000 / heart
        found: list[tuple[int, ...]] = []
        for row in range(len(heart)):
            intervals: list[int] = []
            self._beat_phase_ms[row] += 1000
            while True:
                sway = amplitude[row] * np.sin(self._breath[row] + 0.9 * len(intervals))
                interval = max(240.0, mean[row] + sway + self._rng.normal(0, amplitude[row] / 4))
                if interval > self._beat_phase_ms[row]:
                    break
                self._beat_phase_ms[row] -= interval
                intervals.append(round(interval))
            found.append(tuple(intervals))
        return found


def _rounded(column: Column, digits: int) -> Column:
    rounded: Column = np.round(column, digits)
    return rounded


def _with(column: Column, row: slice, value: float) -> Column:
    changed = column.copy()
    changed[row] = value
    return changed


def demo_episodes(athletes: Athletes, hours: float = 4) -> list[Episode]:
    """The demo's story: after about 70 s one member goes above the limit for 40 s; every four minutes it is another's turn."""
    reachable = athletes.resting_bpm + athletes.reserve_bpm - athletes.alarm_bpm
    candidates = [int(row) for row in np.argsort(-reachable, kind="stable") if np.isfinite(athletes.alarm_bpm[row])][:5]
    if not candidates:
        return []
    turns = range(int(hours * 3600 / 240))
    return [Episode(row=candidates[turn % len(candidates)], start_s=70 + 240 * turn, duration_s=40) for turn in turns]
