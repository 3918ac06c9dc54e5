"""A backup of everything every night, checked byte by byte, and once a week brought back for trial."""

from typing import Any

import dagster as dg

from infra.backup.archive import Archive, Progress
from infra.backup.take import take
from infra.errors import PacelineError
from infra.settings import ensure_secrets
from orchestration.assets.classes import RETRIES
from orchestration.backups import finished, newest, place_for, remove_old, tried
from orchestration.days import POOL
from orchestration.installation import Installation
from orchestration.tables import table

MEGABYTE = 1_048_576
FRESH_MS = 26 * 3_600_000


@dg.asset(group_name="backups", pool=POOL, retry_policy=RETRIES)
def backup(context: dg.AssetExecutionContext, installation: dg.ResourceParam[Installation]) -> dg.MaterializeResult[None]:
    """Warehouse, control plane, topics and the flows' memories in one folder that `paceline restore` reads (docs/backup.md).

    Older ones beyond PACELINE_BACKUPS_KEPT are removed once the new one is complete.
    """
    settings = ensure_secrets(installation.settings)
    target = place_for(settings, installation.clock())
    manifest = take(settings, target, installation.clock, _said(context), with_secrets=True)
    gone = remove_old(settings)
    return dg.MaterializeResult(
        metadata={
            "folder": dg.MetadataValue.path(str(target)),
            "megabytes": sum(record.bytes for record in manifest.files.values()) / MEGABYTE,
            "rows and messages": sum(record.rows for record in manifest.files.values()),
            "state of": dg.MetadataValue.timestamp(manifest.of_ms / 1000),
            "kept": len(finished(settings)),
            "removed": ", ".join(path.name for path in gone) or "none",
        }
    )


@dg.asset_check(asset=backup, pool=POOL)
def unharmed(context: dg.AssetCheckExecutionContext, installation: dg.ResourceParam[Installation]) -> dg.AssetCheckResult:
    """The newest backup is of the last 26 hours, and every file of it has the digest that its manifest names."""
    folder = newest(installation.settings)
    try:
        archive = Archive(folder)
        archive.check(_said(context))
    except PacelineError as harm:
        return dg.AssetCheckResult(passed=False, description=f"{harm.problem}. {harm.remedy}")
    age_ms = installation.clock() - archive.manifest.of_ms
    metadata: dict[str, Any] = {"folder": str(folder), "hours old": age_ms / 3_600_000, "files": len(archive.manifest.files)}
    return dg.AssetCheckResult(passed=age_ms < FRESH_MS, metadata=metadata)


@dg.asset_check(asset=backup, pool=POOL)
def restores(context: dg.AssetCheckExecutionContext, installation: dg.ResourceParam[Installation]) -> dg.AssetCheckResult:
    """The newest backup, brought back into an empty house on servers of its own, holds every row that it names.

    Needs the memory and the disk of a second house for as long as it takes; that house is removed afterwards.
    """
    folder = newest(installation.settings)
    missing = tried(installation.settings, folder, _said(context))
    return dg.AssetCheckResult(passed=not missing, metadata={"folder": str(folder), "missing": table(missing)})


def _said(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext) -> Progress:
    """A line in the run's log for every kind of data."""
    told: set[str] = set()

    def progress(what: str, _done: int, _most: int) -> None:
        if what not in told:
            told.add(what)
            context.log.info(what)

    return progress
