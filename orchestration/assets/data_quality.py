"""Checks of a day's data: nothing missing, nothing twice, nothing late, and the stream's figures those of history."""

from datetime import timedelta
from typing import Any

import dagster as dg

from orchestration.assets.classes import class_summary
from orchestration.assets.fitness import member_daily
from orchestration.days import POOL, day_of, days_between, days_in_question, ended_on
from orchestration.drift import Drift, drift_of
from orchestration.installation import Installation
from orchestration.loads import daily_loads, days_that_differ
from orchestration.quality import GAP_S, GAPS_SHARE_MAX, doubles_in, gaps_in
from orchestration.repair import kept_history, same_people, settled, without_summary
from orchestration.tables import table
from pipelines.history import stored_summary
from schemas.directory import SessionRecord

FRESH_DAYS = 7


def _ended(context: dg.AssetCheckExecutionContext, installation: Installation) -> list[SessionRecord]:
    """The sessions of the days in question that ended long enough ago."""
    records = ended_on(installation.sessions(), days_in_question(context.run.tags, installation.clock()))
    return [record for record in records if settled(record, installation.clock())]


@dg.asset_check(asset=class_summary, pool=POOL)
def gaps(context: dg.AssetCheckExecutionContext, installation: dg.ResourceParam[Installation]) -> dg.AssetCheckResult:
    """Nobody's heart rate was away for more than 5 % of the time between its first and last value.

    Pauses up to 10 s are ordinary. A failure means a strap with a weak battery or a bad place in the room.
    """
    records = _ended(context, installation)
    with installation.warehouse("reader") as reader:
        found = gaps_in(reader, records)
    bad = [one for one in found if one.share > GAPS_SHARE_MAX]
    metadata: dict[str, Any] = {
        "sessions": len(records),
        f"members with a pause over {GAP_S} s": len(found),
        "longest away": table(found),
    }
    return dg.AssetCheckResult(passed=not bad, severity=dg.AssetCheckSeverity.WARN, metadata=metadata)


@dg.asset_check(asset=class_summary, pool=POOL)
def doubles(context: dg.AssetCheckExecutionContext, installation: dg.ResourceParam[Installation]) -> dg.AssetCheckResult:
    """No view tells a value, minute, alert or summary of these sessions twice."""
    records = _ended(context, installation)
    with installation.warehouse("reader") as reader:
        found = doubles_in(reader, records)
    return dg.AssetCheckResult(passed=not found, metadata={"sessions": len(records), "doubled": table(found)})


@dg.asset_check(asset=class_summary, pool=POOL)
def drift(context: dg.AssetCheckExecutionContext, installation: dg.ResourceParam[Installation]) -> dg.AssetCheckResult:
    """The stream's figures are those that stored history gives, figure by figure: not one may differ.

    Left out: sessions whose telemetry is leaving after 30 days, and those from which somebody was taken off the roster.
    """
    records = _ended(context, installation)
    found: list[Drift] = []
    compared = 0
    with installation.warehouse("reader") as reader:
        for record in records:
            known = stored_summary(reader, record.session_id) is not None
            if known and kept_history(record, installation.clock()) and same_people(reader, record):
                compared += 1
                found += drift_of(reader, record)
    metadata: dict[str, Any] = {
        "sessions": len(records),
        "compared": compared,
        "figures that differ": len(found),
        "which": table(found),
    }
    return dg.AssetCheckResult(passed=not found, metadata=metadata)


@dg.asset_check(asset=class_summary, pool=POOL)
def freshness(installation: dg.ResourceParam[Installation]) -> dg.AssetCheckResult:
    """Every session of the last seven days that ended more than five minutes ago has its summary."""
    now_ms = installation.clock()
    today = day_of(now_ms)
    recent = ended_on(installation.sessions(), days_between(today - timedelta(days=FRESH_DAYS), today))
    with installation.warehouse("reader") as reader:
        lacking = without_summary(reader, [record for record in recent if settled(record, now_ms)])
    names = ", ".join(f"{record.class_name} ({record.session_id})" for record in lacking[:20]) or "none"
    return dg.AssetCheckResult(passed=not lacking, metadata={"sessions": len(recent), "without a summary": names})


@dg.asset_check(asset=member_daily, pool=POOL)
def follows_summaries(
    context: dg.AssetCheckExecutionContext, installation: dg.ResourceParam[Installation]
) -> dg.AssetCheckResult:
    """The rows of these days are those that today's summaries give: nothing before them has changed since."""
    days = days_in_question(context.run.tags, installation.clock())
    with installation.warehouse("reader") as reader:
        found = days_that_differ(reader, daily_loads(reader, days[-1]), days)
    metadata: dict[str, Any] = {"rows that differ": len(found), "which": table(found)}
    if found:
        metadata["what to do"] = dg.MetadataValue.text(f"Compute member_daily again from {found[0].day} on.")
    return dg.AssetCheckResult(passed=not found, metadata=metadata)
