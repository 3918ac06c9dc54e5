"""Dagster's folder in the home: its settings and workspace, written anew at every start."""

import os
import stat
from pathlib import Path

from infra.errors import PacelineError
from infra.settings import Settings

SCHEMA = "dagster"
"""Of our PostgreSQL database: runs, events and schedules are kept and backed up with everything else."""
STORAGE_URL = "DAGSTER_STORAGE_URL"
INSTANCE = """\
telemetry: {{enabled: false}}
nux: {{enabled: false}}
storage:
  postgres:
    postgres_url: {{env: {url}}}
run_coordinator:
  module: dagster.core.run_coordinator
  class: QueuedRunCoordinator
  config: {{dequeue_interval_seconds: 1}}
concurrency:
  runs:
    max_concurrent_runs: 2
    tag_concurrency_limits:
      - {{key: dagster/backfill, limit: 1}}
  pools: {{granularity: op, default_limit: 1}}
run_retries: {{enabled: true, max_retries: 2, retry_on_asset_or_op_failure: false}}
run_monitoring: {{enabled: true, start_timeout_seconds: 120, max_runtime_seconds: 14400, poll_interval_seconds: 30}}
retention:
  schedule: {{purge_after_days: 90}}
  sensor: {{purge_after_days: {{skipped: 1, success: 30, failure: 30}}}}
local_artifact_storage:
  module: dagster.core.storage.root
  class: LocalArtifactStorage
  config: {{base_dir: {home}}}
"""
WORKSPACE = """\
load_from:
  - grpc_server: {{socket: {socket}, location_name: paceline}}
"""


class InstanceFolder:
    """Where Dagster finds what it needs. `home` is its DAGSTER_HOME."""

    def __init__(self, settings: Settings) -> None:
        self.home = settings.home / "dagster"
        self.workspace = self.home / "workspace.yaml"
        self.sockets = settings.dagster_socket_dir
        self.code_socket = self.sockets / "code.sock"
        self.web_socket = self.sockets / "web.sock"

    def make(self) -> None:
        """Both folders, closed to others, and the two files."""
        for folder in (self.home, self.sockets):
            _own(folder)
        (self.home / "dagster.yaml").write_text(INSTANCE.format(url=STORAGE_URL, home=_quoted(self.home)))
        self.workspace.write_text(WORKSPACE.format(socket=_quoted(self.code_socket)))


def _own(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        raise PacelineError(f"{folder} is a link or belongs to another user", "Remove it and start again.")
    folder.chmod(stat.S_IRWXU)


def _quoted(path: Path) -> str:
    """As YAML reads it, whatever signs it holds."""
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
