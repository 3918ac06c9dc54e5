"""Which states of alerts are on the topic already, so that a flow that repeats an epoch does not tell them twice."""

from collections.abc import Iterable

from msgspec.structs import replace

from schemas.alerts import Alert


class KnownAlerts:
    """Judges every state that the rules make against those published since the last checkpoint.

    What depends on the wall clock alone (lost signal, repetitions) may come out otherwise when an epoch is repeated: such a
    state gets the next free version, and so do its successors, because readers keep the newest version only.
    """

    def __init__(self, published: Iterable[Alert] = (), shifts: dict[str, int] | None = None) -> None:
        self._versions: dict[str, dict[int, Alert]] = {}
        for alert in published:
            self._versions.setdefault(alert.alert_id, {})[alert.version] = alert
        self.shifts = dict(shifts or {})
        """By how much the versions of an alert are raised: part of the flow's memory."""

    def newest(self) -> list[Alert]:
        """Each alert that was published since the last checkpoint, as it was last told."""
        return [versions[max(versions)] for versions in self._versions.values()]

    def judge(self, alert: Alert) -> tuple[Alert, bool]:
        """The state as it is to be told, and whether it is news."""
        known = self._versions.get(alert.alert_id, {})
        for version, published in known.items():
            if published == replace(alert, version=version):
                return published, False
        shifted = alert.version + self.shifts.get(alert.alert_id, 0)
        newest = max(known, default=0)
        if shifted <= newest:
            self.shifts[alert.alert_id] = newest + 1 - alert.version
            shifted = newest + 1
        told = alert if shifted == alert.version else replace(alert, version=shifted)
        if known:
            known[shifted] = told
        return told, True
