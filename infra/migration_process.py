"""The migration as a process of its own: its clients' 100 MB would be the supervisor's for as long as the house stands."""

import os
import sys

from infra.embedded.launch import Launch
from infra.errors import PacelineError, Unavailable
from infra.settings import Settings, child_environment, load_settings
from infra.telemetry.logs import start_logs

PATIENCE_S = 3_600.0
"""A large history may be rewritten."""


def migrate_apart(settings: Settings) -> None:
    """As `infra.migrate.migrate`, in another process, which ends with this one.

    Raises Unavailable where that does and PacelineError for all else, with its words.
    """
    command = [sys.executable, "-P", "-m", "infra.migration_process"]
    Launch(command, child_environment(settings), settings.home).run("The migration", timeout_s=PATIENCE_S)


def main() -> int:
    """The process."""
    from infra.migrate import migrate

    try:
        settings = load_settings()
        start_logs(settings.model_copy(update={"log_level": "warning"}), "migrate")
        migrate(settings)
    except PacelineError as failure:
        sys.stdout.write("\n".join(filter(None, (failure.problem, failure.remedy))))
        return os.EX_TEMPFAIL if isinstance(failure, Unavailable) else 1
    except Exception as fault:  # noqa: BLE001 - the operator reads what it was, and no traceback
        sys.stdout.write(repr(fault))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
