"""Too much cut out of the windows blocks."""

from __future__ import annotations

from tests.lab.simulated import case, draw, told

from passerelle.lab.checks.trust import check_trusted
from passerelle.lab.context import Context, Trusted


def test_the_share_cut_out_of_a_panel() -> None:
    """A tenth may be cut out and a fifth not, where the limit is 0.15; a panel nobody asked trust about is no tick."""
    city = draw(1)
    for share, outcome in ((0.0, ("passed", "nothing")), (0.1, ("passed", "cut_out")), (0.2, ("failed", "too_much"))):
        context = Context(trusted=Trusted(share, 0.15, times=0, units=int(share > 0)))
        assert told(check_trusted(case(city, context))) == outcome
    assert told(check_trusted(case(city))) == ("not_applicable", "not_asked")
