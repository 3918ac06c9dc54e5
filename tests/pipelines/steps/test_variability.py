import numpy as np
import pytest

from pipelines.steps.variability import accepted_beats, rmssd, variability


def steady(count: int = 100) -> list[int]:
    return [800 + (n * 31) % 60 for n in range(count)]


def test_clean_beats_are_all_accepted() -> None:
    found = variability(steady())
    assert found.rejected_share == 0
    assert found.rmssd_ms == pytest.approx(rmssd(steady()))


@pytest.mark.parametrize("artefact", [250, 2100, 400, 1600])
def test_an_artefact_and_the_differences_to_it_are_left_out(artefact: int) -> None:
    beats = steady()
    beats[50] = artefact
    found = variability(beats)
    assert found.rejected_share == pytest.approx(0.01)
    squares = [(b - a) ** 2 for n, (a, b) in enumerate(zip(beats, beats[1:], strict=False)) if n not in (49, 50)]  # noqa: RUF007  # the position matters
    assert found.rmssd_ms == pytest.approx(np.sqrt(np.mean(squares)))


def test_a_missed_beat_next_to_a_short_one_does_not_take_its_neighbours_along() -> None:
    beats = np.array([*steady(20), 500, 1150, *steady(20)])
    rejected = ~accepted_beats(beats, np.zeros(len(beats)))
    assert np.flatnonzero(rejected).tolist() == [20, 21]


def test_too_many_artefacts_give_no_value() -> None:
    beats = [beat if n % 4 else 250 for n, beat in enumerate(steady())]
    found = variability(beats)
    assert found.rejected_share == pytest.approx(0.25)
    assert (found.rmssd_ms, found.sdnn_ms, found.pnn50_percent) == (None, None, None)


def test_too_few_beats_give_no_value() -> None:
    assert variability(steady(19)).rmssd_ms is None
    assert variability([]).rmssd_ms is None
