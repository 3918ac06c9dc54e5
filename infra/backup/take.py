"""In which order the stores are copied, so that the copies fit together although nothing stands still.

Flows' memories first, the warehouse next, then at one moment the control plane and how far the topics reach. A memory is
never newer than the rows, nor rows newer than the log: what a restored installation finds is what one finds that was killed at
that moment. Its flows go on from their last checkpoints, and repeating a stretch changes nothing.
"""

from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path

from infra.backup import control_plane, flow_memory, topics, warehouse_rows
from infra.backup.archive import FORMAT, ArchiveWriter, Manifest, Progress, new_archive
from infra.clock import Clock
from infra.kafka import cluster_id
from infra.settings import GENERATED_SECRETS, Settings

SECRETS = "secrets"
KEPT_SECRETS = (*GENERATED_SECRETS, "device_token")


def take(settings: Settings, target: Path, clock: Clock, progress: Progress, *, with_secrets: bool) -> Manifest:
    """Copy everything into a new folder `target`; the servers must run, the other processes may.

    Raises PacelineError when a server does not answer or the folder cannot be written; then there is no folder.
    """
    with new_archive(target) as (archive, end):
        began_at_ms = clock()
        flow_memory.export(settings, cluster_id(settings), archive)
        warehouse_version = warehouse_rows.export(settings, archive, progress)
        with ExitStack() as held:
            with control_plane.nothing_owed_meanwhile(settings):
                of_ms = clock()
                tables = held.enter_context(control_plane.frozen(settings))
                until = topics.places(settings)
            revision, numbers = control_plane.revision(tables), control_plane.sequences(tables)
            control_plane.export(tables, archive, progress)
        topics.export(settings, archive, until, progress)
        if with_secrets:
            _export_secrets(settings, archive)
        manifest = Manifest(
            format=FORMAT,
            program=version("paceline"),
            began_at_ms=began_at_ms,
            of_ms=of_ms,
            control_plane_revision=revision,
            warehouse_version=warehouse_version,
            partitions=until,
            files=archive.records(),
            sequences=numbers,
        )
        end(manifest)
    return manifest


def _export_secrets(settings: Settings, archive: ArchiveWriter) -> None:
    """Those that this home keeps as files and could make itself; everything else comes from where the operator keeps it."""
    for name in KEPT_SECRETS:
        kept = settings.home / SECRETS / f"paceline_{name}"
        if kept.is_file():
            copy = archive.file(f"{SECRETS}/paceline_{name}")
            copy.touch(mode=0o600)
            copy.write_text(kept.read_text())
            archive.written(f"{SECRETS}/paceline_{name}", 1)
