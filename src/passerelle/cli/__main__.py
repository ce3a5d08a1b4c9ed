"""`python -m passerelle.cli`."""

from passerelle.cli.command import main

main()
