"""Ports for servers of a while: stretches of neighbours, every one of which is free."""

import socket
from itertools import pairwise

import pytest

from infra.errors import PacelineError
from infra.supervisor.ports import FOR_A_WHILE, free_stretches


def test_a_stretch_with_one_taken_port_in_it_is_not_given() -> None:
    (first,) = free_stretches(1, 20)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", first + 13))
        taken.listen()
        others = sorted(free_stretches(900, 20))
    assert first not in others
    assert all(later - earlier >= 20 for earlier, later in pairwise(others))
    assert FOR_A_WHILE.start <= others[0]
    assert others[-1] + 20 <= FOR_A_WHILE.stop


def test_more_than_there_are_is_said_to_be_too_much() -> None:
    with pytest.raises(PacelineError, match="no 1001 times 20 free ports"):
        free_stretches(1_001, 20)
