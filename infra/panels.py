"""The groups of `paceline --help`, in the order in which somebody new needs them. Every command is in one of them."""

from typing import Any

from typer.core import TyperGroup

START = "Start here"
PLAY = "Play"
ASK = "Ask"
PEOPLE = "People and devices"
OPERATE = "Operate"
PROCESSES = "Processes"
DEVELOP = "Develop"

PANELS = (START, PLAY, ASK, PEOPLE, OPERATE, PROCESSES, DEVELOP)


class InPanels(TyperGroup):
    """Lists its commands by panel; within one, in the order in which they were added."""

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(super().list_commands(ctx), key=lambda name: _place(getattr(self.commands[name], "rich_help_panel", "")))


def _place(panel: str) -> int:
    return PANELS.index(panel) if panel in PANELS else len(PANELS)
