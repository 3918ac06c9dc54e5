"""Heart-rate variability from RR intervals: as recorded, and without artefacts."""

import numpy as np

from analysis.metric import Metric, Missing, Subject, known
from pipelines.steps.columns import Array
from pipelines.steps.rr_log import BREAK_MS
from pipelines.steps.spectrum import Spectrum, spectrum
from pipelines.steps.variability import Variability, accepted_beats, variability

NO_INTERVALS = "the recording holds no RR intervals"
UNUSABLE = "fewer than 20 good beats, or more than 20 % of them are artefacts"


def intervals(subject: Subject) -> Array:
    """All RR intervals, ms, or Missing."""
    found = subject.activity.intervals_ms
    if len(found) < 3:
        raise Missing(NO_INTERVALS)
    return found


def differences(subject: Subject) -> Array:
    """Successive differences, ms; none across a break of more than 3 s in the recording."""
    rr_ms = intervals(subject)
    ends = subject.recording.beats["time_ms"].to_numpy()
    return np.diff(rr_ms)[np.diff(ends) <= np.maximum(BREAK_MS, rr_ms[1:])]


def _corrected(subject: Subject) -> Variability:
    return variability(np.rint(intervals(subject)))


def _spectrum(subject: Subject) -> Spectrum:
    rr_ms = np.rint(intervals(subject)).astype(np.int64)
    if _corrected(subject).rmssd_ms is None:
        raise Missing(UNUSABLE)
    good = rr_ms[accepted_beats(rr_ms, np.zeros(len(rr_ms), dtype=np.int64))]
    return known(spectrum(good), "less than two minutes of beats")


METRICS = (
    Metric(
        "rmssd",
        "ms",
        "root mean square of successive differences, as recorded",
        lambda s: np.sqrt(np.mean(differences(s) ** 2)),
    ),
    Metric("sdnn", "ms", "standard deviation (n − 1), as recorded", lambda s: intervals(s).std(ddof=1)),
    Metric(
        "pnn50",
        "%",
        "share of successive differences beyond 50 ms, as recorded",
        lambda s: np.mean(np.abs(differences(s)) > 50) * 100,
    ),
    Metric("nn50", "", "number of successive differences beyond 50 ms", lambda s: int(np.sum(np.abs(differences(s)) > 50))),
    Metric("mean_nn", "ms", "mean interval", lambda s: intervals(s).mean()),
    Metric("hr_of_mean_nn", "bpm", "60,000 ÷ mean interval", lambda s: 60_000 / intervals(s).mean()),
    Metric(
        "rr_rejected_share",
        "%",
        "intervals outside 300–2000 ms or 20 % off the local median",
        lambda s: _corrected(s).rejected_share * 100,
    ),
    Metric(
        "rmssd_corrected",
        "ms",
        "the same without these artefacts (Task Force 1996)",
        lambda s: known(_corrected(s).rmssd_ms, UNUSABLE),
    ),
    Metric("sdnn_corrected", "ms", "the same without these artefacts", lambda s: known(_corrected(s).sdnn_ms, UNUSABLE)),
    Metric("pnn50_corrected", "%", "the same without these artefacts", lambda s: known(_corrected(s).pnn50_percent, UNUSABLE)),
    Metric("lf_power", "ms²", "swings of 0.04–0.15 Hz (Welch), artefacts out; for rest", lambda s: _spectrum(s).low_ms2),
    Metric("hf_power", "ms²", "swings of 0.15–0.40 Hz (Welch), artefacts out; for rest", lambda s: _spectrum(s).high_ms2),
    Metric("lf_hf_ratio", "", "lf_power ÷ hf_power", lambda s: known(_spectrum(s).ratio, "no fast swings")),
)
