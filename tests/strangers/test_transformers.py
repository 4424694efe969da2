"""Speech models of `transformers`, tiny and untrained: their traces are proved, and what they say is as configured."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from otoscope import Scope

transformers = pytest.importorskip("transformers")
pytestmark = [pytest.mark.strangers, pytest.mark.slow]

RATE = 16_000
SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
CONVOLUTIONS = {"conv_dim": (12, 12, 12, 12, 12, 12, 12)}
POSITIONS = {"num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4}
SPEECH = SMALL | CONVOLUTIONS | POSITIONS


def speech(kind: str, **changes: Any) -> nn.Module:
    """An encoder on (batch, time), by the name that its classes begin with."""
    config = getattr(transformers, f"{kind}Config")(**SPEECH | changes)
    model: nn.Module = getattr(transformers, f"{kind}Model")(config)
    return model


class Codec(nn.Module):
    """EnCodec from waveform to waveform; its codes are trained to differ, as an untrained one's do not."""

    def __init__(self) -> None:
        super().__init__()
        config = transformers.EncodecConfig(
            num_filters=4,
            hidden_size=16,
            codebook_size=64,
            codebook_dim=16,
            upsampling_ratios=[8, 5],
            num_lstm_layers=1,
            sampling_rate=RATE,
        )
        self.codec = transformers.EncodecModel(config)
        for module in self.modules():
            if type(module).__name__ == "EncodecEuclideanCodebook":
                module.embed.normal_(0, 0.3)

    def forward(self, x: Tensor) -> Tensor:
        waves: Tensor = self.codec(x, bandwidth=24.0, return_dict=True).audio_values
        return waves


class Heard(nn.Module):
    """Whisper's encoder behind a mel spectrogram made in torch, as its feature extractor makes it."""

    def __init__(self) -> None:
        super().__init__()
        config = transformers.WhisperConfig(
            d_model=32,
            encoder_layers=2,
            encoder_attention_heads=2,
            encoder_ffn_dim=48,
            num_mel_bins=20,
            max_source_positions=100,
        )
        self.encoder = transformers.models.whisper.modeling_whisper.WhisperEncoder(config)
        self.register_buffer("window", torch.hann_window(400))
        self.register_buffer("bands", torch.rand(20, 201))

    def forward(self, x: Tensor) -> Tensor:
        spectrum = torch.stft(x, 400, 160, window=self.window, return_complex=True)[..., :-1].abs() ** 2
        mel = (self.bands @ spectrum).clamp(min=1e-10).log10()
        mel = torch.maximum(mel, mel.amax((1, 2), keepdim=True) - 8.0)
        states: Tensor = self.encoder((mel + 4.0) / 4.0).last_hidden_state
        return states


MODELS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "wav2vec2": (lambda: speech("Wav2Vec2"), RATE),
    "wav2vec2 of layer norms": (
        lambda: speech("Wav2Vec2", feat_extract_norm="layer", do_stable_layer_norm=True, conv_bias=True),
        RATE,
    ),
    "hubert": (lambda: speech("Hubert"), RATE),
    "wavlm": (lambda: speech("WavLM"), RATE),
    "data2vec": (lambda: speech("Data2VecAudio", num_conv_pos_embeddings=2, conv_pos_kernel_size=5), RATE),
    "unispeech": (lambda: speech("UniSpeech"), RATE),
    "sew": (lambda: speech("SEW", squeeze_factor=2, conv_dim=(12,) * 13), RATE),
    "conformer": (lambda: speech("Wav2Vec2Conformer", conv_depthwise_kernel_size=7), RATE),
    "encodec": (Codec, 8000),
    "whisper": (Heard, 200 * 160),
}


@pytest.mark.parametrize("name", MODELS)
def test_their_traces_are_proved_within_a_minute(name: str) -> None:
    build, samples = MODELS[name]
    torch.manual_seed(0)
    scope = Scope(build(), RATE, output="last_hidden_state" if name not in ("encodec", "whisper") else None)
    wave = 0.1 * torch.randn(samples)
    start = time.process_time()
    checks = scope.verify(wave)
    assert time.process_time() - start < 60
    assert not [check for check in checks if check.passed is False]
    unproved = [check for check in checks if check.passed is None]
    assert all(check.details for check in unproved)
    if name not in ("encodec", "whisper"):  # behind codes, and of one length
        assert not unproved


@pytest.mark.parametrize("name", [name for name in MODELS if name not in ("encodec", "whisper")])
def test_their_frames_are_of_25_ms_every_20_ms(name: str) -> None:
    torch.manual_seed(0)
    scope = Scope(MODELS[name][0](), RATE, output="last_hidden_state")
    taps = scope.taps(0.1 * torch.randn(RATE)).values()
    frames = [
        tap for tap in taps if tap.kind == "convolution" and "conv_layers" in tap.name and "encoder" not in tap.name
    ]
    assert (frames[-1].hop, frames[-1].receptive_field, frames[-1].shape[2]) == (320, 400, 49)
