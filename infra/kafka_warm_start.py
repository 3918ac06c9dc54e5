"""Java's ahead-of-time cache of Kafka's classes: with it a broker starts in half the time and half the processor time.

Made once for a machine's jars and Java by a broker that lives for this only; everything works without it. Java itself checks
that a cache fits, and goes on without one that does not.
"""

import contextlib
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from infra.embedded.kafka import EmbeddedKafka
from infra.embedded.kafka_jars import jar_folder, warm_start_file
from infra.errors import PacelineError
from infra.supervisor.ports import free_stretches

READY_S = 120
STOP_S = 180
"""The cache is put together when the broker ends."""


def make_cache() -> Path:
    """Make it unless it is there; fetches the jars when they are missing.

    Raises PacelineError when the broker does not start or leaves no cache.
    """
    jars = jar_folder()
    file = warm_start_file(jars)
    if not file.is_file():
        with tempfile.TemporaryDirectory(dir=jars.parent, prefix="warm-") as scratch:
            made = Path(scratch, "made.aot")
            _one_life(Path(scratch), made)
            made.replace(file)
    return file


def _one_life(home: Path, made: Path) -> None:
    kafka = EmbeddedKafka(home, *free_stretches(1, 2))
    kafka.prepare()
    log = home / "kafka.log"
    with log.open("wb") as output:
        process = kafka.launch(first_life=made).start(output)
    deadline = time.monotonic() + READY_S
    while process.poll() is None and time.monotonic() < deadline and not kafka.ready():
        time.sleep(0.05)  # the broker says nowhere that it is ready but when asked
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_S)
    process.kill()  # had it not ended, what it has written so far is no cache
    if process.wait() == -signal.SIGKILL or not made.is_file():
        raise PacelineError(f"Kafka left no cache of its classes:\n{log.read_text(errors='replace')[-2_000:]}")


def main() -> None:
    """Make it, or say why there is none: nothing depends on it."""
    try:
        sys.stdout.write(f"{make_cache()}\n")
    except PacelineError as failure:
        sys.stdout.write(f"Kafka starts without a cache of its classes: {failure.problem}\n")


if __name__ == "__main__":
    main()
