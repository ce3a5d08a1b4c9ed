"""Feeds: what each declares, how it is asked and how its replies are read."""

from passerelle.feeds.forms import FORMS

__all__ = ["FORMS"]
