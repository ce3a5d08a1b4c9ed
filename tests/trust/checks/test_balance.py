"""Balance: what must add up."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from tests.trust import real
from tests.trust.records import at, load, record

from passerelle.model.series import Series
from passerelle.trust.check import FeedMark, Light
from passerelle.trust.checks.balance import judge_feed, list_balances


def area(off: npt.NDArray[np.float64] | float) -> list[FeedMark]:
    """An area whose demand is wind plus gas plus import, but for `off`."""
    wind, gas, imported = load(4, seed=1), load(4, seed=2), load(4, seed=3)
    values = {
        ("electricity_demand", ""): wind + gas + imported + off,
        ("electricity_generation", "wind"): wind,
        ("electricity_generation", "gas"): gas,
        ("electricity_net_import", ""): imported,
    }
    return judge_feed(real.feed_of([record(of, series=Series("f", "area", *key)) for key, of in values.items()]))


def test_what_adds_up_is_quiet() -> None:
    """Within 3 MW, as the publisher rounds."""
    assert area(2.9) == []


def test_what_doesn_t_is_red_on_total_and_parts() -> None:
    """Hours 100 to 104 are 50 MW off: those hours, on four series."""
    off = np.zeros(4 * 168)
    off[100:105] = 50
    (found,) = area(off)
    assert (found.mark.start, found.mark.end, found.mark.light) == (at(hours=100), at(hours=105), Light.RED)
    assert len(found.series or ()) == 4


def test_a_source_that_isn_t_published() -> None:
    """Where most hours don't add up, a part is missing: amber once."""
    (found,) = area(500)
    assert found.mark.light is Light.AMBER
    assert (found.mark.start, found.mark.end) == (at(), at(weeks=4))


def test_ile_de_france_adds_up() -> None:
    """On all half-hours of 2017-2020, as its data's card says: consumption is sources plus import within 3 MW."""
    assert judge_feed(real.shipped("paris", "eco2mix")) == []


def test_identities_have_sources() -> None:
    """A tolerance is a constant about the world."""
    assert all(balance.source and balance.tolerance > 0 for balance in list_balances())
