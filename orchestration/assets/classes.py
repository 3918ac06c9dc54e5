"""Class summaries: written by flow `live` when a class ends; here the missing are written and the late ones corrected."""

import dagster as dg

from orchestration.days import DAYS, POOL, asked_days, ended_on
from orchestration.installation import Installation
from orchestration.repair import counted, repair
from orchestration.tables import table

RETRIES = dg.RetryPolicy(max_retries=2, delay=20, backoff=dg.Backoff.EXPONENTIAL)


class Recompute(dg.Config):
    """How thorough."""

    every: bool = False
    """Compute every session of the day anew, also those without late readings."""


@dg.asset(
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    pool=POOL,
    retry_policy=RETRIES,
    group_name="classes",
    kinds={"clickhouse"},
)
def class_summary(
    context: dg.AssetExecutionContext, config: Recompute, installation: dg.ResourceParam[Installation]
) -> dg.MaterializeResult[None]:
    """A summary for every session that ended on the day.

    Flow `live` writes it the moment the class ends. Five minutes later what is missing is computed from
    `telemetry_raw`, and what readings after the end have changed is corrected, by the same code and with the next
    revision. A summary older than the 30 days that `telemetry_raw` reaches back stands as it is.
    """
    records = ended_on(installation.sessions(), asked_days(context.partition_keys))
    now_ms = installation.clock()
    with installation.warehouse("reader") as reader, installation.warehouse("writer") as writer:
        done = [repair(reader, writer, record, now_ms, every=config.every) for record in records]
    for one in done:
        if one.outcome != "complete":
            context.log.info(f"{one.class_name} ({one.session_id}): {one.outcome}")
    left = table(one for one in done if one.outcome != "complete")
    return dg.MaterializeResult(
        metadata={"sessions": len(done), "outcomes": dg.MetadataValue.json(counted(done)), "not complete": left}
    )
