"""The page of numbers: every published one beside ours, and what each metric is."""

from collections.abc import Sequence
from typing import Any

from analysis.metrics import GROUPS
from analysis.published import Comparison

HEAD = """# Numbers

Every number that others published and that we could compare, beside ours. `make numbers` writes this page anew from
`../shared/data`, a test compares it with a fresh run, and `paceline analyze FILE` computes the same for a recording of yours.

{met} of {count} lie within the tolerance that came with them. Differences are ours − theirs; of several numbers in one row the
greatest. Sources are listed at the end.

"""

DEFINITIONS = """## What is measured how

`member_summary` in the output of `paceline analyze --json` is the row that a live class would have written to the table of
that name, `member_summaries`: the recording was sent through the very shard of the live flow. `hr_avg`, `power_avg`,
`normalized_power`, `trimp_banister`, `intensity_score`, `effort_points` and `energy_kcal` are taken from it. Some metrics have
a kin with another definition:

- A device has a timer, a class has none. `time_in_hr_zone`, `timer_time_s` and `training_stress_score` leave out the pauses
  that the file tells of; `member_summary.zone_s` counts intervals of up to 10 s, as the wall does.
- `trimp_banister_exponential` is the form of 1991, one mean heart rate for the whole time; `trimp_banister` sums it second by
  second. The curve is convex, so that is higher whenever heart rate varies. `hrss` and `hrss_by_second` rest on one each.
- `hr_max` is the highest value of any record; `member_summary.heart_rate_max_bpm` leaves suspect values out (jumps of more
  than 30 bpm a second, 30 s without any change), `hr_max_sustained_30s` was held for 30 s.
- `rmssd`, `sdnn`, `pnn50` take the intervals as recorded; those called `…_corrected` reject artefacts first.
- `pace_avg_s_per_km` is by the timer's time, as devices show it; `pace_moving_s_per_km` leaves standing out.

"""

REMARKS = """## Where others differ

All published numbers are met, so none had to be called wrong. Where two sources disagree with each other, this is why ours
stands where it does:

- **Moving time** (Elevate 19,341 s, device's timer 19,664 s on the six-hour ride). Elevate divides the distance by the mean
  of its moving speed samples, which only fits recordings of every second; this device records now and then. On other rides
  its moving time exceeds the device's timer. Ours adds up the intervals that were faster than standing, pauses left out.
- **TRIMP** (445 by one mean, 482.5 summed). Both follow Banister; both are shown under names of their own.
- **TRIMP of women.** Elevate uses the men's factor 0.64 with the women's exponent 1.67; Banister's pair is 0.86 and 1.67.
- **Normalized power.** Elevate averages consecutive blocks of 30 s, Coggan a rolling mean; ours rolls.
- **Average speed of `anomaly_speed.fit`.** The file's session claims 21.98 m/s (79 km/h), its own distance and time make
  6.1 m/s: km/h were written where m/s belong. The flag names it; distance and pace are computed from the records.

"""


def page(comparisons: Sequence[Comparison]) -> str:
    """The page as Markdown."""
    sources = list(dict.fromkeys(comparison.source for comparison in comparisons))
    met = sum(comparison.met for comparison in comparisons)
    lines = [
        "| input | metric | with | ours | theirs | difference | tolerance | | source |",
        "|---|---|---|---:|---:|---:|---:|---|---|",
        *(_row(comparison, sources.index(comparison.source) + 1) for comparison in comparisons),
    ]
    listed = [f"{at}. {source}" for at, source in enumerate(sources, start=1)]
    return (
        HEAD.format(met=met, count=len(comparisons))
        + "\n".join(lines)
        + "\n\n"
        + REMARKS
        + DEFINITIONS
        + _definitions()
        + "\n## Sources\n\n"
        + "\n".join(listed)
        + "\n"
    )


def _row(comparison: Comparison, source: int) -> str:
    difference = comparison.difference
    cells = (
        comparison.input.removeprefix("activities/"),
        f"`{comparison.metric}`",
        comparison.params,
        _shown(comparison.ours),
        _shown(comparison.theirs),
        "" if difference is None else f"{_shown(difference)} {comparison.unit}".rstrip(),
        "" if isinstance(comparison.theirs, str) else f"± {_shown(comparison.tolerance)}",
        "within" if comparison.met else "**outside**",
        f"[{source}](#sources)",
    )
    return f"| {' | '.join(cells)} |"


def _definitions() -> str:
    lines = []
    for title, metrics in GROUPS.items():
        lines += [f"### {title}", "", "| metric | unit | definition |", "|---|---|---|"]
        lines += [f"| `{metric.name}` | {metric.unit} | {metric.definition} |" for metric in metrics]
        lines.append("")
    return "\n".join(lines)


def _shown(value: Any) -> str:
    """Numbers with three decimals at most; lists and objects in one cell."""
    if value is None:
        return "none"
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_shown(part)}" for name, part in value.items())
    if isinstance(value, list):
        return " / ".join(map(_shown, value))
    if isinstance(value, str):
        return value
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
