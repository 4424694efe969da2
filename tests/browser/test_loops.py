"""What the driver of the browser leaves to the tests that run after it."""

from __future__ import annotations

import asyncio

import pytest

from browsing import FLAGS, chromium

pytestmark = pytest.mark.browser


def test_other_tests_can_have_a_loop_once_the_browser_is_closed() -> None:
    program = chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        driver.chromium.launch(executable_path=program, args=list(FLAGS)).close()
    assert asyncio.run(asyncio.sleep(0, "ran")) == "ran"
