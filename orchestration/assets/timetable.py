"""When what is done: by the clock at night, within a minute when a class has no summary."""

import hashlib
from collections.abc import Sequence
from datetime import date, timedelta

import dagster as dg

from infra.errors import Unavailable
from orchestration.assets.backups import backup, restores, unharmed
from orchestration.assets.classes import class_summary
from orchestration.assets.fitness import member_daily
from orchestration.assets.kafka import dead_letter_digest, kafka_topic_settings
from orchestration.days import RANGE_END, RANGE_START, day_of, days_between, ended_on
from orchestration.installation import Installation
from orchestration.repair import kept_history, late_sessions, settled, without_summary
from schemas.directory import SessionRecord

DAY_MS = 24 * 3_600_000
LOOK_BACK_DAYS = 8
"""Late readings come up to seven days after they were measured: so long Kafka keeps them for us."""

days_job = dg.define_asset_job(
    "days",
    dg.AssetSelection.assets(class_summary, member_daily),
    description="Summaries, members' days and all checks of some days in one run.",
)
kafka_job = dg.define_asset_job(
    "kafka_upkeep",
    dg.AssetSelection.assets(dead_letter_digest, kafka_topic_settings),
    description="What was refused, and whether the topics are as declared.",
)
backup_job = dg.define_asset_job(
    "backups",
    dg.AssetSelection.assets(backup).without_checks() | dg.AssetSelection.checks(unharmed),
    description="A backup of everything, its digests checked, old ones removed.",
)
restore_job = dg.define_asset_job(
    "restore_trial",
    dg.AssetSelection.checks(restores),
    description="The newest backup brought back into an empty house.",
)


def of_days(first: date, last: date, run_key: str) -> dg.RunRequest:
    """One run over these days, both included."""
    return dg.RunRequest(run_key=run_key, tags={RANGE_START: first.isoformat(), RANGE_END: last.isoformat()})


@dg.schedule(job=days_job, cron_schedule="20 3 * * *", default_status=dg.DefaultScheduleStatus.RUNNING)
def every_night(context: dg.ScheduleEvaluationContext, installation: dg.ResourceParam[Installation]) -> dg.RunRequest:
    """At 03:20 UTC: yesterday, and every day before on which readings that came late since yesterday change something."""
    yesterday = context.scheduled_execution_time.date() - timedelta(days=1)
    earliest = yesterday - timedelta(days=LOOK_BACK_DAYS)
    try:
        records = ended_on(installation.sessions(), days_between(earliest, yesterday))
        with installation.warehouse("reader") as reader:
            late = late_sessions(reader, records, installation.clock() - 2 * DAY_MS)
        first = min([yesterday, *(day_of(record.ended_at_ms or 0) for record in late)])
    except Unavailable as failure:
        context.log.warning(f"All of the last days are asked for: {failure.problem}")
        first = earliest  # the run is tried again, this question is not
    return of_days(first, yesterday, f"night of {yesterday}")


@dg.schedule(job=kafka_job, cron_schedule="30 6 * * *", default_status=dg.DefaultScheduleStatus.RUNNING)
def every_morning() -> dg.RunRequest:
    """At 06:30 UTC: what Kafka's keepers read with their coffee."""
    return dg.RunRequest()


@dg.schedule(job=backup_job, cron_schedule="10 2 * * *", default_status=dg.DefaultScheduleStatus.RUNNING)
def backup_every_night() -> dg.RunRequest:
    """At 02:10 UTC: everything into one folder."""
    return dg.RunRequest()


@dg.schedule(job=restore_job, cron_schedule="30 4 * * 0", default_status=dg.DefaultScheduleStatus.RUNNING)
def restore_every_week() -> dg.RunRequest:
    """On Sunday at 04:30 UTC: whether what is kept can be brought back."""
    return dg.RunRequest()


@dg.sensor(job=days_job, minimum_interval_seconds=60, default_status=dg.DefaultSensorStatus.RUNNING)
def sessions_without_summary(installation: dg.ResourceParam[Installation]) -> dg.SensorResult | dg.SkipReason:
    """Sessions that ended more than five minutes ago and have no summary: their day is computed, and the days after it.

    The same sessions are asked for once; should that fail, the night's run tries again.
    """
    try:
        lacking = _lacking(installation)
    except Unavailable as failure:
        return dg.SkipReason(f"{failure.problem} {failure.remedy}")
    if not lacking:
        return dg.SkipReason("Every session that ended has its summary.")
    return dg.SensorResult(run_requests=[_request(lacking, day_of(installation.clock()))])


def _lacking(installation: Installation) -> list[SessionRecord]:
    now_ms = installation.clock()
    today = day_of(now_ms)
    recent = ended_on(installation.sessions(), days_between(today - timedelta(days=LOOK_BACK_DAYS), today))
    due = [record for record in recent if settled(record, now_ms) and kept_history(record, now_ms)]
    with installation.warehouse("reader") as reader:
        return without_summary(reader, due)


def _request(lacking: Sequence[SessionRecord], today: date) -> dg.RunRequest:
    first = min(day_of(record.ended_at_ms or 0) for record in lacking)
    ids = hashlib.blake2b(" ".join(sorted(record.session_id for record in lacking)).encode(), digest_size=8).hexdigest()
    return of_days(first, today, f"{first} {ids}")
