"""A warehouse with the demo's club and a prompt on it; with `--write`, the page of answers and the notebook anew."""

import json
import subprocess
import sys

from infra.analyst.asking import Analyst
from infra.settings import child_environment
from tests.questions.answers import PAGE, page, running_club
from tests.questions.notebook import NOTEBOOK, as_run, environment_of, written
from tests.running import ROOT, settings_in, temporary_home


def main() -> None:
    if "--write" in sys.argv:
        with temporary_home() as home, running_club(settings := settings_in(home)):
            PAGE.write_text(page(Analyst(settings)))
            NOTEBOOK.write_text(written(as_run(json.loads(NOTEBOOK.read_text()), environment_of(settings))))
        return
    home = ROOT / "build" / "club"
    home.mkdir(parents=True, exist_ok=True)
    settings = settings_in(home)
    sys.stderr.write("Making the club, once …\n" if not (home / "warehouse").exists() else "")
    with running_club(settings):
        subprocess.run([sys.executable, "-m", "infra.cli", "sql"], env=child_environment(settings), check=False)


if __name__ == "__main__":
    main()
