"""Brings a backup back into an empty installation, in the shape it was taken in, and then to this release's."""

from pydantic import SecretStr

from infra.backup import control_plane, flow_memory, topics, warehouse_rows
from infra.backup.archive import Archive, Progress
from infra.backup.take import KEPT_SECRETS, SECRETS
from infra.errors import PacelineError
from infra.kafka import cluster_id, ensure_topics
from infra.migrate import migrate, migrate_control_plane, migrate_warehouse, newest_warehouse_version
from infra.settings import Settings, write_secret


def check(archive: Archive, progress: Progress) -> None:
    """Whether this program can bring it back. Raises PacelineError when it cannot."""
    if archive.manifest.warehouse_version > newest_warehouse_version():
        problem = f"The backup in {archive.folder} was made by a newer Paceline ({archive.manifest.program})"
        raise PacelineError(problem, "Restore it with that one.")
    archive.check(progress)


def bring_back_secrets(settings: Settings, archive: Archive) -> Settings:
    """Write those that this home does not have, before anything else makes new ones; returns the settings with them."""
    known: dict[str, SecretStr] = {}
    for name in KEPT_SECRETS:
        kept = f"{SECRETS}/paceline_{name}"
        if kept in archive.manifest.files and not getattr(settings, name).get_secret_value():
            value = archive.path(kept).read_text()
            write_secret(settings, name, value)
            known[name] = SecretStr(value)
    return settings.model_copy(update=known)


def bring_back(settings: Settings, archive: Archive, progress: Progress) -> None:
    """Fill the stores; the servers must run, and nothing else of Paceline.

    Raises PacelineError when they hold anything already, or refuse what the backup holds: they may be half full then.
    """
    ensure_topics(settings)
    migrate_warehouse(settings, archive.manifest.warehouse_version)
    migrate_control_plane(settings, archive.manifest.control_plane_revision)
    log_id = cluster_id(settings)
    _refuse_what_is_there(settings, log_id)
    control_plane.restore(settings, archive, progress)
    moved = topics.restore(settings, archive, progress)
    warehouse_rows.restore(settings, archive, progress)
    migrate(settings)
    flow_memory.restore(settings, log_id, archive, moved)


def _refuse_what_is_there(settings: Settings, log_id: str) -> None:
    there = {
        "PostgreSQL": control_plane.filled(settings),
        "Kafka": topics.filled(settings),
        "the warehouse": warehouse_rows.filled(settings),
        "the flows' folder": [path.parents[1].name for path in flow_memory.memories(settings, log_id)],
    }
    found = [f"{store} ({', '.join(names)})" for store, names in there.items() if names]
    if found:
        remedy = "Restore into an empty one: set PACELINE_HOME to a new folder, or remove what is there with `paceline reset`."
        raise PacelineError(f"This installation is not empty; there is something in {' and '.join(found)}", remedy)
