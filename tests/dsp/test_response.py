"""STRS and CRS against equations 1 and 2 written out in numpy, and the properties they must have."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from otoscope.dsp.response import (
    centred_bank,
    crs,
    crs_stream,
    cumulative_frequency_response,
    dictionary_response,
    f_vowel,
    firing_counts,
    log_frequencies,
    responses,
    strs,
    strs_stream,
)
from otoscope.errors import InputError


def equation_1(x: np.ndarray, kernels: list[np.ndarray], hop: int, n_fft: int, alignment: str) -> np.ndarray:
    """|sum_k F_k[i] R_k[j]| by loops; every kernel keeps its own width and its own place on the time axis."""
    sample = lambda n: x[n] if 0 <= n < len(x) else 0.0  # noqa: E731
    frames = int(np.ceil(len(x) / hop))
    total = np.zeros((n_fft // 2 + 1, frames), dtype=complex)
    for kernel in kernels:
        first = -(len(kernel) // 2) if alignment == "centre" else 0
        for i in range(n_fft // 2 + 1):
            spectrum = sum(kernel[n] * np.exp(-2j * np.pi * i * (n + first) / n_fft) for n in range(len(kernel)))
            for j in range(frames):
                response = sum(kernel[n] * sample(j * hop + n + first) for n in range(len(kernel)))
                total[i, j] += spectrum * response
    return np.abs(total)


def centred_frames(x: np.ndarray, width: int, hop: int) -> np.ndarray:
    padded = np.pad(x, (width // 2, width))
    return np.stack([padded[j : j + width] for j in range(0, len(x), hop)])


def fourier_basis(width: int) -> torch.Tensor:
    """Real orthonormal Fourier basis: constant, cosines, sines and, for an even width, the Nyquist wave."""
    n = np.arange(width)
    rows = [np.ones(width) / np.sqrt(width)]
    for k in range(1, (width + 1) // 2):
        phase = 2 * np.pi * k * n / width
        rows += [np.sqrt(2 / width) * np.cos(phase), np.sqrt(2 / width) * np.sin(phase)]
    if width % 2 == 0:
        rows.append((-1.0) ** n / np.sqrt(width))
    return torch.tensor(np.array(rows))


def dct_basis(width: int) -> torch.Tensor:
    from scipy.fft import dct

    return torch.tensor(dct(np.eye(width), norm="ortho", axis=0))


@pytest.mark.replica("strs")
@pytest.mark.parametrize("alignment", ["centre", "start"])
@pytest.mark.parametrize("widths", [(7,), (8,), (3, 8, 5), (4, 11)])
@pytest.mark.parametrize("hop", [1, 3, 13])
def test_strs_is_equation_1(alignment: str, widths: tuple[int, ...], hop: int) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal(29)
    banks = [rng.standard_normal((2, width)) for width in widths]
    expected = equation_1(x, [kernel for bank in banks for kernel in bank], hop, 16, alignment)
    found = strs(torch.tensor(x), [torch.tensor(bank) for bank in banks], hop, 16, alignment)
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("basis", [fourier_basis, dct_basis])
@pytest.mark.parametrize(("width", "n_fft"), [(16, 16), (15, 15), (16, 64)])
def test_orthonormal_basis_gives_the_dft_of_the_frame(basis, width: int, n_fft: int) -> None:
    x = np.random.default_rng(1).standard_normal(200)
    found = strs(torch.tensor(x), basis(width), hop=5, n_fft=n_fft)
    expected = np.abs(np.fft.rfft(centred_frames(x, width, 5), n_fft)).T
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_start_alignment_is_the_published_convention() -> None:
    """Zeros after the signal, kernels right-padded, complex spectra; several widths."""
    rng = np.random.default_rng(2)
    x, banks, hop, n_fft = rng.standard_normal(500), [rng.standard_normal((4, w)) for w in (10, 30, 50)], 10, 64
    padded = np.pad(x, (0, 49))
    spectra, responses = [], []
    for kernel in (kernel for bank in banks for kernel in np.pad(bank, ((0, 0), (0, 50 - bank.shape[1])))):
        spectra.append(np.fft.rfft(kernel, n_fft))
        responses.append(np.correlate(padded, kernel, mode="valid")[::hop])
    expected = np.abs(np.array(spectra).T @ np.array(responses))
    found = strs(torch.tensor(x), [torch.tensor(bank) for bank in banks], hop, n_fft, "start")
    np.testing.assert_allclose(found, expected, atol=1e-11)


def test_a_delay_by_hops_shifts_the_frames() -> None:
    x = torch.randn(400, dtype=torch.float64)
    kernels = torch.randn(6, 30, dtype=torch.float64)
    delayed = torch.cat((torch.zeros(50, dtype=x.dtype), x))
    # The first frame reaches back before the signal in both, so it is the same too.
    torch.testing.assert_close(strs(delayed, kernels, 10)[:, 5:], strs(x, kernels, 10))


def test_scaling_the_sound_scales_the_magnitude() -> None:
    x, kernels = torch.randn(400, dtype=torch.float64), torch.randn(6, 30, dtype=torch.float64)
    torch.testing.assert_close(strs(-3.5 * x, kernels, 10), 3.5 * strs(x, kernels, 10))
    torch.testing.assert_close(strs(x, 2 * kernels, 10), 4 * strs(x, kernels, 10))


def test_float32_is_float64_rounded() -> None:
    x, kernels = torch.randn(1000), torch.randn(20, 50)
    single, double = strs(x, kernels, 10), strs(x.double(), kernels, 10)
    assert single.dtype == torch.float32
    assert double.dtype == torch.float64
    torch.testing.assert_close(single.double(), double, rtol=1e-4, atol=1e-3)
    assert strs(x.half(), kernels.half(), 10).dtype == torch.float32


def test_batch_dimensions_stay_in_front() -> None:
    x, kernels = torch.randn(2, 3, 101), torch.randn(4, 9)
    batch = strs(x, kernels, 10, 32)
    assert batch.shape == (2, 3, 17, 11)
    torch.testing.assert_close(batch[1, 2], strs(x[1, 2], kernels, 10, 32))


@pytest.mark.parametrize("shape", [(80, 30), (3, 70)])
def test_long_clips_are_the_same_in_blocks(shape: tuple[int, int]) -> None:
    """More frames than one block holds, in either order of the two products."""
    x, kernels = torch.randn(9000, dtype=torch.float64), torch.randn(shape, dtype=torch.float64)
    excerpt = strs(x[4000:5000], kernels, 1, 128)
    torch.testing.assert_close(strs(x, kernels, 1, 128)[:, 4100:4900], excerpt[:, 100:900])


def test_frequencies_replace_the_bins() -> None:
    x, kernels = torch.randn(300), torch.randn(5, 31)
    bins = torch.arange(65) / 128
    torch.testing.assert_close(strs(x, kernels, 7, frequencies=bins), strs(x, kernels, 7, 128), rtol=1e-4, atol=1e-3)
    tone = torch.sin(2 * torch.pi * 0.05 * torch.arange(1000))
    log = torch.logspace(-2, np.log10(0.5), 200)
    heard = crs(strs(tone, torch.eye(200), 10, frequencies=log))
    assert log[heard.argmax()].item() == pytest.approx(0.05, rel=0.02)


@pytest.mark.replica("crs")
def test_crs_is_the_mean_over_time() -> None:
    spectra = np.random.default_rng(3).random((2, 5, 7))
    np.testing.assert_allclose(crs(torch.tensor(spectra)), spectra.mean(-1))


@pytest.mark.parametrize("alignment", ["centre", "start"])
@pytest.mark.parametrize("hop", [1, 7, 100])
@pytest.mark.parametrize("size", [1, 13, 400, 5000])
def test_streams_equal_the_whole(alignment: str, hop: int, size: int) -> None:
    """Blocks shorter and longer than a kernel, and a hop wider than one."""
    x = torch.randn(999, dtype=torch.float64)
    kernels = [torch.randn(3, width, dtype=torch.float64) for width in (10, 31, 64)]
    whole = strs(x, kernels, hop, 64, alignment)
    pieces = list(strs_stream(x.split(size), kernels, hop, 64, alignment))
    torch.testing.assert_close(torch.cat(pieces, -1), whole)
    blocks = (block.numpy() for block in x.split(size))
    torch.testing.assert_close(crs_stream(blocks, kernels, hop, 64, alignment), crs(whole))


def test_stream_records_no_gradient() -> None:
    kernels = torch.randn(3, 10, requires_grad=True)
    assert not crs_stream([torch.randn(100)], kernels, 5, 16).requires_grad


def test_centred_bank_keeps_the_centre() -> None:
    bank = centred_bank([torch.eye(8)[4:5], torch.eye(5)[2:3], torch.eye(2)[1:]])
    assert bank.argmax(1).tolist() == [4, 4, 4]
    assert centred_bank(torch.randn(3, 7)).shape == (3, 7)


@pytest.mark.parametrize(("width", "delay"), [(5, 0.0), (6, 0.5)])
def test_an_even_kernel_is_centred_half_a_sample_behind_its_middle(width: int, delay: float) -> None:
    impulse = torch.zeros(40)
    impulse[20] = 1
    (found,) = responses(impulse, torch.ones(1, width), hop=1)
    frames = torch.arange(40.0)[found > 0]  # those that hold the impulse; on average it is in their middle
    assert len(frames) == width
    assert float(frames.mean()) - 20 == delay == width // 2 - (width - 1) / 2


def test_cumulative_frequency_response_is_its_equation() -> None:
    rng = np.random.default_rng(4)
    banks = [rng.standard_normal((3, 12)), rng.standard_normal((2, 31))]
    expected = np.zeros(33)
    for kernel in (kernel for bank in banks for kernel in bank):
        magnitude = np.abs(np.fft.rfft(kernel, 64))
        expected += magnitude / np.linalg.norm(magnitude)
    found = cumulative_frequency_response([torch.tensor(bank) for bank in banks], 64)
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("scale", [1.0, 7.5])
def test_cumulative_frequency_response_of_impulses_is_flat(scale: float) -> None:
    found = cumulative_frequency_response(scale * torch.eye(32, dtype=torch.float64), 128)
    np.testing.assert_allclose(found, 32 / np.sqrt(65), rtol=1e-12)


def test_cumulative_frequency_response_does_not_see_the_scale_of_a_kernel_nor_dead_ones() -> None:
    kernels = torch.randn(4, 20, dtype=torch.float64)
    scaled = torch.tensor([[1.0], [-3.0], [1e-3], [50.0]]) * kernels
    dead = torch.cat((scaled, torch.zeros(2, 20, dtype=torch.float64)))
    torch.testing.assert_close(cumulative_frequency_response(dead), cumulative_frequency_response(kernels))


@pytest.mark.replica("frame_response")
@pytest.mark.parametrize("widths", [(8,), (3, 8, 5)])
def test_dictionary_response_is_its_equation_and_a_column_of_the_strs(widths: tuple[int, ...]) -> None:
    rng = np.random.default_rng(5)
    banks = [torch.tensor(rng.standard_normal((2, width))) for width in widths]
    bank, x = centred_bank(banks).numpy(), rng.standard_normal(50)
    frame = centred_frames(x, bank.shape[1], 7)[3]
    expected = np.abs(sum((frame @ kernel) * np.fft.fft(kernel, 16) for kernel in bank))[:9]
    found = dictionary_response(torch.tensor(frame), banks, 16)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    torch.testing.assert_close(found, strs(torch.tensor(x), banks, 7, 16)[:, 3])


@pytest.mark.parametrize("basis", [fourier_basis, dct_basis])
def test_an_orthonormal_dictionary_hears_the_frame_as_it_is(basis) -> None:
    frames = torch.tensor(np.random.default_rng(6).standard_normal((2, 3, 16)))
    found = dictionary_response(frames, basis(16), 64)
    assert found.shape == (2, 3, 33)
    np.testing.assert_allclose(found, np.abs(np.fft.rfft(frames.numpy(), 64)), atol=1e-12)


@pytest.mark.parametrize("alignment", ["centre", "start"])
def test_responses_are_correlations_with_the_frames(alignment: str) -> None:
    rng = np.random.default_rng(7)
    x, banks = rng.standard_normal((2, 40)), [rng.standard_normal((2, width)) for width in (4, 9)]
    found = responses(torch.tensor(x), [torch.tensor(bank) for bank in banks], 3, alignment)
    assert found.shape == (2, 4, 14)
    for k, kernel in enumerate(kernel for bank in banks for kernel in bank):
        first = -(len(kernel) // 2) if alignment == "centre" else 0
        for j in range(14):
            at = [(n, j * 3 + n + first) for n in range(len(kernel)) if 0 <= j * 3 + n + first < 40]
            expected = sum(kernel[n] * x[1, m] for n, m in at)
            assert found[1, k, j].item() == pytest.approx(expected, abs=1e-12)


def test_the_filter_tuned_to_a_tone_fires_in_every_frame_of_it() -> None:
    n = torch.arange(64, dtype=torch.float64)
    kernels = torch.stack([torch.cos(2 * torch.pi * k / 64 * n) for k in (4, 8, 12)])
    tone = torch.cos(2 * torch.pi * 8 / 64 * torch.arange(640, dtype=torch.float64))
    answers = responses(tone, kernels, hop=64)
    assert firing_counts(answers).tolist() == [0, 10, 0]
    assert firing_counts(torch.zeros(2, 3, 5)).tolist() == [[0, 0, 0]] * 2


@pytest.mark.replica("f_vowel")
def test_f_vowel_is_its_equation() -> None:
    rng = np.random.default_rng(8)
    counts, spectra = rng.permutation(12), rng.random((12, 6))
    most = np.argsort(counts)[-5:]
    expected = sum(counts[i] / counts[most].sum() * spectra[i] for i in most)
    np.testing.assert_allclose(f_vowel(torch.tensor(counts), torch.tensor(spectra)), expected)
    all_of_them = np.average(spectra, axis=0, weights=counts)
    np.testing.assert_allclose(f_vowel(torch.tensor(counts), torch.tensor(spectra), n_filters=99), all_of_them)
    assert f_vowel(torch.zeros(2, 12, dtype=torch.int64), torch.tensor(spectra)).eq(0).all()


def test_log_frequencies_double_every_octave_up_to_the_nyquist_limit() -> None:
    found = log_frequencies(16_000, 62.5, 12).numpy()
    np.testing.assert_allclose(found[12:], 2 * found[:-12])
    assert found[0] == 62.5 and found[-1] == pytest.approx(8000) and found[-1] <= 8000
    assert log_frequencies(16_000, 100, 12)[-1] * 2 ** (1 / 12) > 8000


X, K = torch.randn(100), torch.randn(3, 20)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: strs(X, K, 10, n_fft=16), "n_fft >= 20"),
        (lambda: strs(X, K, 0), "hop"),
        (lambda: strs(X, K, 2.5), "hop"),
        (lambda: strs(torch.zeros(0), K, 10), "waveform"),
        (lambda: strs(torch.tensor(1.0), K, 10), "waveform"),
        (lambda: strs(X.to(torch.complex64), K, 10), "waveform"),
        (lambda: strs(X, K[:, None], 10), r"weight\[:, 0\]"),
        (lambda: strs(X, K[:0], 10), "kernels"),
        (lambda: strs(X, [], 10), "no kernels"),
        (lambda: strs(X, K, 10, alignment="left"), "alignment"),
        (lambda: strs(X, K, 10, frequencies=torch.tensor([0.1, 0.6])), "frequencies"),
        (lambda: crs(torch.zeros(5, 0)), "frames"),
        (lambda: crs_stream([], K, 10), "no samples"),
        (lambda: crs_stream([torch.zeros(0)], K, 10), "no samples"),
        (lambda: crs_stream([torch.zeros(2, 5)], K, 10), "one-dimensional"),
        (lambda: strs_stream([X], K, 10, n_fft=16), "n_fft >= 20"),
        (lambda: cumulative_frequency_response(K, 16), "n_fft >= 20"),
        (lambda: dictionary_response(X, K), "20 real samples"),
        (lambda: responses(X, K, 0), "hop"),
        (lambda: firing_counts(torch.zeros(5)), "responses"),
        (lambda: f_vowel(torch.ones(4), torch.ones(3, 5)), "do not fit"),
        (lambda: f_vowel(torch.ones(3), torch.ones(3, 5), 0), "n_filters"),
        (lambda: log_frequencies(16_000, 9000), "8000 Hz"),
        (lambda: log_frequencies(16_000, 50, 0), "bins_per_octave"),
    ],
)
def test_bad_input_gets_one_clear_error(call, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()
