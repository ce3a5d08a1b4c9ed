"""Steps of a sensor: found at another time, not at the change, and not in noise."""

from __future__ import annotations

import numpy as np
import pytest

from passerelle.lab.inference.steps import changed_decimals, changed_noise, find_step

SINCE = np.arange(-30.0, 20.0)


def gap(seed: int, at: float, size: float) -> np.ndarray:
    """Noise of standard deviation 1 that is higher by `size` from `at` on."""
    return np.random.default_rng(seed).normal(size=len(SINCE)) + size * (at <= SINCE)


@pytest.mark.parametrize("seed", range(5))
def test_a_step_elsewhere_is_found_where_it_is(seed: int) -> None:
    """A step of six deviations ten times before the change, or eight after it."""
    for at in (-10, 8):
        found = find_step(gap(seed, at, 6), SINCE)
        assert found is not None
        assert found.since == at
        assert found.size == pytest.approx(6, abs=1.5)


def test_a_step_at_the_change_is_left_to_it() -> None:
    """Of 400 gaps with an effect of 1.5 at the change, with nothing, or with a ramp, at most 2 are called a step."""
    ramp = np.clip(SINCE / 10, 0, 1)
    for shape in (gap(0, 99, 0) * 0, 1.5 * (SINCE >= 0), 4 * ramp):
        found = [find_step(gap(seed, 99, 0) + shape, SINCE) is not None for seed in range(400)]
        assert sum(found) <= 2


def test_noise_that_doubles_threefold_in_one_unit() -> None:
    """One of twenty series has three times the noise after; a series whose level rose as much has it by right."""
    generator = np.random.default_rng(3)
    before, after = 100 + generator.normal(size=(2, 20, 40))
    after[0] = 100 + 3 * (after[0] - 100)
    after[1] *= 3
    found = changed_noise(before, after, np.arange(20) < 2)
    assert found.tolist() == [True] + [False] * 19


def test_decimals_that_one_unit_lost() -> None:
    """Values of one decimal that become whole numbers are another instrument's; a calibration to all is nobody's."""
    values = np.round(np.random.default_rng(4).normal(20, 5, size=(2, 10, 20)), 1)
    whole = np.rint(values[1])
    judged = np.arange(10) == 0
    only_one = np.where(judged[:, None], whole, values[1])
    assert changed_decimals(values[0], only_one, judged).tolist() == judged.tolist()
    assert not changed_decimals(values[0], whole, judged).any()
    assert not changed_decimals(values[0], values[1], judged).any()
    # Numbers in millions that no rule wrote have no decimals to lose either.
    drawn = np.random.default_rng(5).normal(5e6, 1e3, size=(2, 10, 20))
    assert not changed_decimals(drawn[0], drawn[1], judged).any()
