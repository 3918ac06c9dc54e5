"""Every page at three widths, dark and light, into build/pictures: `python -m tests.ui.take_pictures [name …]`."""

import sys
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from infra.clock import system_clock
from tests.ui.conftest import FLAGS, sign_in
from tests.ui.fake_api import FakeApi

SIZES = {"1920": (1920, 1080), "1366": (1366, 768), "390": (390, 844)}
FOLDER = Path("build/pictures")


def busy_class(members: int) -> FakeApi:
    """Everything at once: alerts of each kind, a silent strap, members without strap or gone."""
    fake = FakeApi(members)
    people = fake.klass.people
    people[3].strap = people[17 % members].strap = False
    people[8].silent_since_ms = system_clock() - 14_000
    people[10].silent_since_ms = system_clock() - 400_000
    fake.start()
    fake.raise_alert(
        people[1].member_id,
        "critical",
        f"{people[1].name} is at 191 bpm, above 185, for 40 s",
        "Ask them to stop pedalling and check on them.",
        47,
    )
    fake.raise_alert(
        people[5].member_id, "warning", f"{people[5].name} is at 183 bpm, above the limit of 180", "Ask them to slow down.", 130
    )
    lost = fake.raise_alert(
        people[8].member_id, "info", f"No signal from {people[8].name}'s strap for 14 s", "Check the strap.", 14
    )
    fake.change_alert(lost, acknowledged_at_ms=system_clock(), acknowledged_by="Tara Trainer")
    old = fake.raise_alert(people[2].member_id, "warning", f"{people[2].name} was above zone 4", "", 400)
    fake.clear_alert(old)
    fake.klass.said(3, "Tara Trainer", "trainer", None, "Two more rounds, then the hill. Keep the cadence.")
    fake.klass.said(people[6].member_id, people[6].name, "member", 3, "My strap slipped, can you look?")
    second = next(key for key, alert in fake.klass.alerts.items() if alert["member_id"] == people[5].member_id)
    fake.change_alert(second, repeated=2)
    return fake


def shoot(browser: Browser, fake: FakeApi, name: str, path: str, only: list[str]) -> None:
    for width, size in SIZES.items():
        for scheme in ("dark", "light"):
            label = f"{name}-{width}-{scheme}"
            if only and not any(part in label for part in only):
                continue
            context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, locale="en-GB")
            page = context.new_page()
            if path != "/sign-in":
                sign_in(context, fake)
            page.goto(fake.address + path)
            time.sleep(6 if "live" in name or "wall" in name else 1.2)
            act(page, name)
            page.screenshot(path=FOLDER / f"{label}.png", full_page=name in {"summary", "classes"})
            context.close()


def act(page: Page, name: str) -> None:
    if name == "live-member":
        page.locator(".card-button").nth(4).click()
        page.locator(".u-over").wait_for()
    if name == "live-alerts" and page.locator(".tabs").is_visible():
        page.get_by_role("button", name="Alerts").first.click()
    if name == "live-timeline" and page.locator(".tabs").is_visible():
        page.get_by_role("button", name="Timeline").first.click()


def main(only: list[str]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS, headless=True)
        forty, hundred, done = busy_class(40), busy_class(100), busy_class(40)
        done.end_class()
        summary = f"/sessions/{done.klass.session_id}/summary"
        shoot(browser, forty, "signin", "/sign-in", only)
        shoot(browser, forty, "classes", "/", only)
        shoot(browser, forty, "straps", "/straps", only)
        for name in ("live", "live-member", "live-alerts", "live-timeline"):
            shoot(browser, forty, name, "/classes/7/live", only)
        shoot(browser, forty, "wall40", "/classes/7/wall", only)
        shoot(browser, hundred, "wall100", "/classes/7/wall", only)
        shoot(browser, hundred, "live100", "/classes/7/live", only)
        shoot(browser, done, "summary", summary, only)
        browser.close()
        for fake in (forty, hundred, done):
            fake.kill()


if __name__ == "__main__":
    main(sys.argv[1:])
