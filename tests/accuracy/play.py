"""Classes played through the live shard second by second, as its flow would: what arrived, then the clock."""

from pipelines.steps.alerts import AlertConfig
from pipelines.steps.shard import LiveShard
from schemas.events import Reading
from tests.accuracy.truth import Script, Told


def play(scripts: list[Script], seconds: int, config: AlertConfig | None = None) -> list[Told]:
    """All classes at once, begun at the same moment; the alerts in the order in which a trainer would see them."""
    shard = LiveShard.restore(None, config)
    started_ms = scripts[0].record.started_at_ms
    due: list[list[tuple[int, Reading]]] = [[] for _ in range(seconds)]
    for script in scripts:
        assert script.record.started_at_ms == started_ms
        shard.put_session(script.record)
        for arrival in script.arrivals:
            if arrival[0] < seconds * 1000:
                due[arrival[0] // 1000].append(arrival)
    told: list[Told] = []
    for second, batch in enumerate(due):
        batch.sort(key=lambda arrival: arrival[0])
        shard.readings([reading for _, reading in batch])
        shard.tick(started_ms + (second + 1) * 1000, caught_up=True)
        told += [
            Told(alert.session_id, alert.member_id or 0, alert.rule, second + 1)
            for alert in shard.take_alerts()
            if alert.version == 1
        ]
        shard.take_minutes()
    return told
