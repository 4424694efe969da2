"""A browser for the tests of a module, and pages opened in it.

The driver runs an event loop in the thread of the tests. It is ended with the module, so that tests that run after it
in the same process can have a loop of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from browsing import FLAGS, Visit, chromium, visiting


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium without a window, with the network off and a microphone that beeps."""
    program = chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=program, args=list(FLAGS))
        yield running
        running.close()


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Visit]]:
    """Open a page as `browsing.visiting` does; it is closed, and checked, after the test."""
    with ExitStack() as stack:
        yield lambda url, **options: stack.enter_context(visiting(browser, url, **options))
