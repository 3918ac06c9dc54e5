"""Errors for the reader: what was wrong, where, and what to do."""


class PacelineError(Exception):
    """A failure that a person can act on. `remedy` is the next step; the command line prints both and no traceback."""

    exit_code = 1

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


class Unavailable(PacelineError):
    """A server did not answer in time: wait and try again."""
