"""How the weights of layers lie to each other."""

from __future__ import annotations

from otoscope.cli.common import (
    AsJson,
    Device,
    Model,
    Out,
    Rate,
    Weights,
    app,
    make_scope,
    make_table,
    out_console,
    print_json,
    write,
)


@app.command()
def geometry(
    model: Model,
    weights: Weights = None,
    sample_rate: Rate = None,
    device: Device = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Geometry of the weights of every layer: frame bounds, angles and coherence."""
    from otoscope.report import geometry_rows

    scope = make_scope(model, weights, sample_rate, device)
    result = scope.geometry()
    write(out, {"geometry": result})
    rows = geometry_rows(result)
    if as_json:
        print_json({"model": scope.name, "layers": rows})
    else:
        # The coherences mu are the cosines of the angles beside them.
        headings = {key: key for key in rows[0] if not key.startswith("mu")} | {"dimension": "dim."}
        out_console.print(make_table(f"{scope.name}: angles in degrees", rows, headings))
