"""One thread for networks as small as these, and one seed before each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

LATER = {
    "test_every_method_tells_the_truth_or_refuses": """
        crs_classifier-stereo
    """,
    "test_the_output_is_that_of_the_author": """
        stereo
    """,
    "test_taps_are_where_they_are": """
        stereo
    """,
    "test_the_gradient_is_that_of_autograd": """
        stereo
    """,
    "test_relevance_is_that_by_hand_or_says_what_no_rule_governed": """
        guided-leaf guided-stereo deconvnet-leaf deconvnet-stereo
    """,
    "test_the_trace_is_proved": """
        transposed_u_net codec stereo
    """,
}
"""What is not yet right; it is not run."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    later = {f"{test}[{one}]" for test, names in LATER.items() for one in names.split()}
    config.hook.pytest_deselected(items=[item for item in items if item.name in later])
    items[:] = [item for item in items if item.name not in later]


@pytest.fixture(autouse=True)
def _small_and_seeded() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)
