"""Studies put together give what was published of the same studies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from passerelle.lab.inference.meta import combine
from passerelle.lab.panel import Floats
from passerelle.model.errors import StudyError


def trials(folder: Path) -> tuple[Floats, Floats, Floats]:
    """Logarithm of the risk ratio, its standard error and the latitude of the 13 trials of BCG."""
    frame = pl.read_csv(folder / "sectors/policy_synthetic_control_refs/bcg_vaccine_trials.csv")
    a, b, c, d = (frame[f"{arm}_{kind}"].to_numpy() for arm in ("treated", "control") for kind in ("cases", "noncases"))
    effects = np.log(a / (a + b) / (c / (c + d)))
    return effects, np.sqrt(1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)), frame["absolute_latitude"].to_numpy()


def test_the_mean_of_bcg_trials(shared_data: Path) -> None:
    """Published: -.7145 (.1798), tau2 .3132 (Viechtbauer 2010, doi:10.18637/jss.v036.i03)."""
    effects, errors, _ = trials(shared_data)
    found = combine(effects, errors)
    assert [*found.coefficients, *found.errors, found.tau2] == pytest.approx([-0.7145, 0.1798, 0.3132], abs=1e-4)


def test_latitude_explains_most_of_it(shared_data: Path) -> None:
    """Published: .2515 - .0291 latitude (.0072), tau2 .0764."""
    effects, errors, latitude = trials(shared_data)
    found = combine(effects, errors, latitude[:, None].astype(float))
    assert found.coefficients == pytest.approx([0.2515, -0.0291], abs=1e-4)
    assert (found.errors[1], found.tau2) == pytest.approx((0.0072, 0.0764), abs=1e-4)


def test_studies_that_agree_have_nothing_between_them() -> None:
    """Effects 1 and 1 with errors 1 and 2: the mean 1, the error 1 / sqrt(1 + 1/4)."""
    found = combine(np.array([1.0, 1.0]), np.array([1.0, 2.0]))
    assert (found.tau2, found.coefficients[0]) == (0.0, pytest.approx(1.0))
    assert found.errors[0] == pytest.approx(1 / np.sqrt(1.25))


@pytest.mark.parametrize(
    ("errors", "moderators", "told"),
    [
        ([1.0, 0.0, 1.0], None, "not above 0"),
        ([1.0, 1.0, 1.0], [[1.0], [1.0], [1.0]], "can't tell 2 coefficients apart"),
        ([1.0, 1.0, 1.0], [[1.0, 2.0], [2.0, 1.0], [3.0, 5.0]], "3 studies can't tell 3"),
    ],
)
def test_refused(errors: list[float], moderators: list[list[float]] | None, told: str) -> None:
    """The error says what is lacking."""
    with pytest.raises(StudyError, match=told):
        combine(np.array([1.0, 2.0, 3.0]), np.array(errors), None if moderators is None else np.array(moderators))
