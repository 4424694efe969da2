"""Results as one HTML file that can be sent, as a folder with arrays and sounds, and as the main numbers."""

from __future__ import annotations

from otoscope.report.folder import inspect, write_numbers, write_report, write_results
from otoscope.report.gather import gather
from otoscope.report.html import Figure, Heading, Note, Player, Section, Table, render
from otoscope.report.inspection import inspection_report
from otoscope.report.summary import (
    comparison_pairs,
    comparison_rows,
    evolution_rows,
    filter_rows,
    finite,
    geometry_rows,
    importance_rows,
    relevance_summary,
    residual_rows,
    sonification_rows,
    taps_table,
    tone_rows,
    wigner_rows,
)

__all__ = [
    "Figure",
    "Heading",
    "Note",
    "Player",
    "Section",
    "Table",
    "comparison_pairs",
    "comparison_rows",
    "evolution_rows",
    "filter_rows",
    "finite",
    "gather",
    "geometry_rows",
    "importance_rows",
    "inspect",
    "inspection_report",
    "relevance_summary",
    "render",
    "residual_rows",
    "sonification_rows",
    "taps_table",
    "tone_rows",
    "wigner_rows",
    "write_numbers",
    "write_report",
    "write_results",
]
