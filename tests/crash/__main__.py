"""`make chaos`: the long form of the crash harness; prints what was killed, how long it was away, and what it came to."""

import argparse
import os
import sys
import time

import typer

from tests.crash.house import crash_house
from tests.crash.run import Form, run
from tests.crash.table import lines


def main() -> int:
    """Exit code 0: nothing lost, doubled or changed."""
    asked = _arguments()
    form = Form(
        seed=asked.seed,
        kills=asked.kills,
        members=asked.members,
        kinds=max(1, min(5, round(asked.rate / asked.members))),
        pause_s=(0.5, 5.0),
        parts=tuple(filter(None, asked.parts.split(","))),
        long=asked.kills >= 50,
        quiet_before_s=10,
        quiet_after_s=10,
    )
    began = time.monotonic()

    def say(line: str) -> None:
        typer.echo(f"{time.monotonic() - began:6.1f} s {line}")

    with crash_house(three=asked.nodes == 3) as house:
        say("the house is ready")
        outcome = run(house, form, say)
        typer.echo("\n".join(lines(outcome)))
        if outcome.faults:
            typer.echo(house.last_words(), err=True)
            if asked.keep:
                input(f"The house stands in {house.settings.home}; Enter removes it.")
    return 1 if outcome.faults else 0


def _arguments() -> argparse.Namespace:
    """From the command line, else from CHAOS_SEED and its like."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    for name, default, what in (
        ("seed", 1, "of moments, bodies and stories"),
        ("kills", 104, "how often a part dies"),
        ("members", 1_000, "how many train, at least 350"),
        ("rate", 5_000, "events a second"),
        ("nodes", 1, "of Kafka: 1 or 3"),
    ):
        given = os.environ.get(f"CHAOS_{name.upper()}") or default
        parser.add_argument(f"--{name}", type=int, default=int(given), help=f"{what} (CHAOS_{name.upper()}, {default:,})")
    parser.add_argument(
        "--parts", default=os.environ.get("CHAOS_PARTS", ""), help="that die, separated by commas (CHAOS_PARTS)"
    )
    parser.add_argument("--keep", action="store_true", help="leave the house standing after a fault until Enter is pressed")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
