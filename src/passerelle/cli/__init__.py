"""The command line."""

from passerelle.cli.command import main

__all__ = ["main"]
