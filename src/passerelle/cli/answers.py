"""Questions of a command: an option answers one, else a person does, else what was guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from passerelle.model.errors import InvalidValueError


class Answers:
    """What the options answered, by name; the rest is asked on standard error or, `unattended`, taken as guessed."""

    def __init__(self, given: Mapping[str, Any], *, unattended: bool) -> None:
        self._given, self.unattended = given, unattended

    def find(self, name: str) -> Any:
        """What the option says; None, False or nothing where it wasn't given."""
        return self._given[name]

    def ask(self, name: str, question: str, guess: str | None = None, choices: Sequence[str] = ()) -> str:
        """The answer; `InvalidValueError` where nobody can be asked and nothing is guessed."""
        option = f"--{name.replace('_', '-')}"
        given = self._given[name]
        if given is not None:
            if choices and given not in choices:
                raise InvalidValueError(f"{option} is {given!r}; allowed are {', '.join(choices)}", where=option)
            return str(given)
        if self.unattended:
            if guess is None:
                among = f" ({', '.join(choices)})" if choices else ""
                raise InvalidValueError(
                    f"{question}? Nothing in the sample says it; give {option}{among}", where=option
                )
            return guess
        return self.prompt(question, guess, option, choices)

    def prompt(self, question: str, guess: str | None, option: str, choices: Sequence[str] = ()) -> str:
        """What a person answers, nothing being an answer where the guess is nothing."""
        kind = click.Choice(choices) if choices else None
        try:
            return str(click.prompt(question, default=guess, type=kind, err=True, show_default=bool(guess))).strip()
        except click.Abort as error:
            raise InvalidValueError(
                f"no answer came to {question!r}; {option} gives it, --yes takes what is guessed", where=option
            ) from error

    def confirm(self, name: str, question: str) -> bool:
        """Whether the flag was given, or a person says yes; no where nobody can be asked."""
        if self._given[name] or self.unattended:
            return bool(self._given[name])
        return self.prompt(f"{question} (y/n)", "n", f"--{name.replace('_', '-')}", ("y", "n")) == "y"
