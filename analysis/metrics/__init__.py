"""All metrics, in the order in which they are shown."""

from analysis.metric import Metric
from analysis.metrics import beats, heart_rate, load, movement, power

GROUPS: dict[str, tuple[Metric, ...]] = {
    "Time, way, height": movement.METRICS,
    "Heart rate": heart_rate.METRICS,
    "Load and energy": load.METRICS,
    "Power": power.METRICS,
    "RR intervals": beats.METRICS,
}
METRICS: tuple[Metric, ...] = tuple(metric for group in GROUPS.values() for metric in group)
