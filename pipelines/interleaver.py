"""Puts what people did and what devices measured into one order, also when a flow catches up with hours of both."""

from collections.abc import Callable, Mapping

from pipelines.messages import Batch, Message, Place

Run = tuple[str, list[Message]]
Behind = Callable[[Place], bool]
"""Whether a place's log is known to hold more than has been handed to the interleaver."""


class Interleaver:
    """Releases messages of a dense and a sparse topic with equal partitions by the time they were published.

    A session's events stand in the same partition number of both topics. While both logs are read to their ends, everything
    is released at once. With a backlog a message waits until the other topic's partition has reached its time: otherwise
    the end of a class would overtake its heart rates. `positions` are the next offsets to read after what was released.
    """

    def __init__(self, dense: str, sparse: str, positions: dict[Place, int]) -> None:
        self.positions = dict(positions)
        self.taken = dict(positions)
        """Next offsets after what was handed in; the difference to `positions` is held back."""
        self._dense = dense
        self._sparse = sparse
        self._waiting: dict[Place, list[Message]] = {}

    def take(self, messages: list[Message], behind: Behind, reached: Mapping[Place, int] | None = None) -> list[Batch]:
        """Hand in what was read; get what may be processed, in runs of one topic.

        `reached` are the next offsets after these messages; without it every message is asked for its own.
        """
        if not messages and not self._waiting:
            return []
        reached = _reached(messages) if reached is None else reached
        dense_only = not any(place[0] == self._sparse and end > self.taken[place] for place, end in reached.items())
        if dense_only and not self._waiting and not self._sparse_behind(behind):
            return [self._release(self._dense, messages, reached)] if messages else []
        for message in messages:
            place = (message.topic(), message.partition())
            self._waiting.setdefault(place, []).append(message)
            self.taken[place] = message.offset() + 1
        return [self._release(topic, run, _reached(run)) for topic, run in self._merge(behind)]

    def _sparse_behind(self, behind: Behind) -> bool:
        return any(behind(place) for place in self.positions if place[0] == self._sparse)

    def _release(self, topic: str, messages: list[Message], reached: Mapping[Place, int]) -> Batch:
        for place, end in reached.items():
            if place[0] == topic and end > self.positions[place]:
                self.positions[place] = end
                self.taken[place] = max(self.taken[place], end)
        return Batch(topic, messages)

    def _merge(self, behind: Behind) -> list[Run]:
        alone: list[Message] = []
        runs: list[Run] = []
        for partition in sorted({partition for _topic, partition in self._waiting}):
            dense = self._waiting.pop((self._dense, partition), [])
            sparse = self._waiting.pop((self._sparse, partition), [])
            if not sparse and not behind((self._sparse, partition)):
                alone += dense
                continue
            runs += self._merge_partition(partition, dense, sparse, behind)
        return ([(self._dense, alone)] if alone else []) + runs

    def _merge_partition(self, partition: int, dense: list[Message], sparse: list[Message], behind: Behind) -> list[Run]:
        runs: list[Run] = []
        at = 0
        while sparse:
            until_ms = _time_ms(sparse[0])
            start = at
            while at < len(dense) and _time_ms(dense[at]) < until_ms:
                at += 1
            if at > start:
                runs.append((self._dense, dense[start:at]))
            if at == len(dense) and behind((self._dense, partition)):
                break
            runs.append((self._sparse, [sparse.pop(0)]))
        rest = dense[at:]
        if rest and not behind((self._sparse, partition)):
            runs.append((self._dense, rest))
            rest = []
        for topic, held in ((self._dense, rest), (self._sparse, sparse)):
            if held:
                self._waiting[topic, partition] = held
        return runs


def _reached(messages: list[Message]) -> dict[Place, int]:
    return {(message.topic(), message.partition()): message.offset() + 1 for message in messages}


def _time_ms(message: Message) -> int:
    return int(message.timestamp()[1])
