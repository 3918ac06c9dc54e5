"""A warehouse of its own with the demo's club in it."""

from collections.abc import Iterator

import pytest

from infra.settings import Settings
from tests.questions.answers import running_club
from tests.running import settings_in, temporary_home


@pytest.fixture(scope="package")
def the_club() -> Iterator[Settings]:
    """Settings of the running warehouse."""
    with temporary_home() as home:
        settings = settings_in(home)
        with running_club(settings):
            yield settings
