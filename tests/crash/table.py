"""The table that a run prints."""

from tests.crash.run import Outcome

SHOWN = 40


def lines(outcome: Outcome) -> list[str]:
    """Markdown: what died, what was measured, what differed."""
    form, rate = outcome.form, outcome.form.members * outcome.form.kinds
    kills = sum(death.seen for death in outcome.deaths)
    under = f"{rate:,} events a second from {form.members:,} members (seed {form.seed})"
    found = [
        "",
        f"{kills} kills in {outcome.seconds:.0f} s under {under}",
        "",
        "| part | kills | back after, median s | longest s | outcome |",
        "|---|---:|---:|---:|---|",
    ]
    found += ["| " + " | ".join(death.line) + " |" for death in outcome.deaths]
    found += ["", "| measured | |", "|---|---:|"]
    found += [f"| {name} | {value} |" for name, value in outcome.facts.items()]
    verdict = "Nothing lost, nothing doubled, nothing changed." if not outcome.faults else f"{len(outcome.faults)} faults:"
    return [*found, "", verdict, *(f"- {fault}" for fault in outcome.faults[:SHOWN])]
