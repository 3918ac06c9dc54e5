"""Artefact correction leaves clean recordings as published; every published number itself is compared in tests/analysis."""

import json
from pathlib import Path

import pytest

from pipelines.steps.variability import variability


@pytest.mark.parametrize("file", ["rr/physionet_000_first306.txt", "rr/hrv_rest.txt"])
def test_artefact_correction_leaves_clean_recordings_as_published(file: str, shared_data: Path) -> None:
    rows = json.loads((shared_data / "metrics" / "reference_metrics.json").read_text())
    wanted = {row["metric"]: row["expected"] for row in rows if row["input"] == file}
    found = variability([int(line) for line in (shared_data / file).read_text().split()])
    assert found.rejected_share < 0.05
    assert found.rmssd_ms == pytest.approx(wanted["rmssd"], rel=0.12)
    assert found.sdnn_ms == pytest.approx(wanted["sdnn"], rel=0.05)
