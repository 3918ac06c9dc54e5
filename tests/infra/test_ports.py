"""Ports for servers of a while: stretches of neighbours, every one of which is free."""

import socket
from itertools import pairwise

import pytest

from infra.errors import PacelineError
from infra.supervisor.ports import FOR_A_WHILE, free_stretches
from tests.running import free_ports


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


def test_ports_that_belong_to_somebody_are_not_given_though_they_are_free() -> None:
    among = range(FOR_A_WHILE.start, FOR_A_WHILE.start + 25)
    first, second = (among[n * 10] for n in range(2))
    assert free_stretches(1, 10, among=among, besides={first + 9}) == [second]
    with pytest.raises(PacelineError, match="no 1 times 10 free ports"):
        free_stretches(1, 10, among=among, besides={first + 9, second})


def test_a_test_is_given_no_port_that_another_was_given_lately() -> None:
    given = [port for _ in range(10) for port in free_ports(5)]
    assert len(set(given)) == len(given)
    (pair,) = free_ports(1, 2)
    assert not {pair, pair + 1} & set(given)
