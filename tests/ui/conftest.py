"""A real Chromium on real pages; only the API behind them is a fake."""

import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.ui.fake_api import FakeApi
from tests.ui.fake_rest import EMAIL, PASSWORD, STATIC

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-site-isolation-trials",  # pages of one origin: a process less for each, a tenth of the time
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LAPTOP = (1366, 768)
PATIENCE_MS = 40_000
expect.set_options(timeout=PATIENCE_MS)
Open = Callable[..., Page]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for all page tests."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("PAGES NOT TESTED: there is no Chromium on this machine (apt-get install chromium)")
    if not (STATIC / "index.html").is_file():
        pytest.fail("the pages are not built: run `make ui`")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=FLAGS, headless=True)
        yield started
        started.close()


@pytest.fixture
def api() -> Iterator[FakeApi]:
    """A fake API with a running class of twelve."""
    yield from _running(FakeApi(members=12))


def _running(fake: FakeApi) -> Iterator[FakeApi]:
    fake.start()
    yield fake
    fake.kill()


@pytest.fixture
def big_api() -> Iterator[Callable[[int], FakeApi]]:
    """A fake API with as many members as asked for."""
    started: list[FakeApi] = []

    def start(members: int) -> FakeApi:
        fake = FakeApi(members)
        fake.start()
        started.append(fake)
        return fake

    yield start
    for fake in started:
        fake.kill()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Opens a path of a fake API in a context of its own, signed in unless told otherwise; the console must stay silent."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def opened(fake: FakeApi, path: str, *, size: tuple[int, int] = LAPTOP, dark: bool = True, signed_in: bool = True) -> Page:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if dark else "light",
            locale="en-GB",
            has_touch=size[0] < 600,
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"{path}: {error}"))
        page.on(
            "console",
            lambda message: complaints.append(f"{path}: {message.text}") if _is_fault(message.type, message.text) else None,
        )
        if signed_in:
            sign_in(context, fake)
        page.goto(fake.address + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def _is_fault(kind: str, text: str) -> bool:
    # The browser logs answers such as 404 and refused connections by itself; both are part of what is tested.
    own_words = ("Failed to load resource", "WebSocket connection to")
    return kind in {"error", "warning"} and not text.startswith(own_words)


def sign_in(context: BrowserContext, fake: FakeApi) -> None:
    """A refresh cookie as a sign-in leaves it."""
    answer = context.request.post(f"{fake.address}/api/v1/auth/login", data={"email": EMAIL, "password": PASSWORD})
    assert answer.ok
