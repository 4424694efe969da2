"""Results as one HTML file that can be sent, as a folder with arrays and sounds, and as the main numbers."""

from __future__ import annotations

from otoscope.report.folder import inspect, write_numbers, write_report, write_results
from otoscope.report.gather import gather
from otoscope.report.html import Figure, Heading, Note, Player, Section, Table, render
from otoscope.report.inspection import inspection_report
from otoscope.report.summary import (
    finite,
    geometry_rows,
    peak_frequency,
    relevance_summary,
    sonification_rows,
    taps_table,
)

__all__ = [
    "Figure",
    "Heading",
    "Note",
    "Player",
    "Section",
    "Table",
    "finite",
    "gather",
    "geometry_rows",
    "inspect",
    "inspection_report",
    "peak_frequency",
    "relevance_summary",
    "render",
    "sonification_rows",
    "taps_table",
    "write_numbers",
    "write_report",
    "write_results",
]
