"""One file a method, each with one public function: a model and sound in, labelled arrays out."""

from otoscope.methods.aliasing import aliasing, aliasing_map
from otoscope.methods.autocorrelation import autocorrelation
from otoscope.methods.coherence import coherence
from otoscope.methods.evolution import feature_evolution
from otoscope.methods.filters import filters, filters_before_after
from otoscope.methods.flow import data_flow, flow_at
from otoscope.methods.frame import f_vowel, frame_response
from otoscope.methods.geometry import geometry
from otoscope.methods.importance import layer_importance
from otoscope.methods.relevance import relevance
from otoscope.methods.residual import residual
from otoscope.methods.residual_study import residual_study
from otoscope.methods.sonify import sonify
from otoscope.methods.strs import crs, strs
from otoscope.methods.tones import tone_response
from otoscope.methods.top_activations import top_activations
from otoscope.methods.top_sounds import top_sounds
from otoscope.methods.voice import voice
from otoscope.methods.vowels import vowel_protocol
from otoscope.methods.wigner import wigner

__all__ = [
    "aliasing",
    "aliasing_map",
    "autocorrelation",
    "coherence",
    "crs",
    "data_flow",
    "f_vowel",
    "feature_evolution",
    "filters",
    "filters_before_after",
    "flow_at",
    "frame_response",
    "geometry",
    "layer_importance",
    "relevance",
    "residual",
    "residual_study",
    "sonify",
    "strs",
    "tone_response",
    "top_activations",
    "top_sounds",
    "voice",
    "vowel_protocol",
    "wigner",
]
