"""Members' days: load, fitness, fatigue, form."""

import dagster as dg

from orchestration.assets.classes import RETRIES, class_summary
from orchestration.days import DAYS, POOL, asked_days
from orchestration.installation import Installation
from orchestration.loads import by_month, daily_loads, rows_of_days
from schemas.tables import MEMBER_DAILY


@dg.asset(
    deps=[class_summary],
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    pool=POOL,
    retry_policy=RETRIES,
    group_name="members",
    kinds={"clickhouse"},
)
def member_daily(context: dg.AssetExecutionContext, installation: dg.ResourceParam[Installation]) -> dg.MaterializeResult[None]:
    """Training load, fitness (CTL), fatigue (ATL) and form of every member on the day, in the view `v_member_daily`.

    Each day is computed from the summaries of all days before, never from rows of another day: backfill them in any
    order. When an old summary changes, the days from then on are to be computed again; the nightly run does so.
    """
    days = asked_days(context.partition_keys)
    with installation.warehouse("reader") as reader:
        rows = rows_of_days(daily_loads(reader, days[-1]), days, installation.clock())
    with installation.warehouse("writer") as writer:
        for month in by_month(rows):
            writer.insert(MEMBER_DAILY, month)
    trained = sum(row["sessions"] > 0 for row in rows)
    return dg.MaterializeResult(metadata={"days": len(days), "rows": len(rows), "member-days with training": trained})
