"""A chain in words and as data: its steps, what goes in, what comes out, and what can be done with it.

This module must not know the command line, nor compute anything.
"""

from __future__ import annotations

from typing import Any

from vecwise.draw.words import count
from vecwise.models.chained import ChainModel, steps_of, taken_by
from vecwise.table_text import clip, grid
from vecwise.telling.answer import Answer
from vecwise.telling.words import cut, short, space_data, wrapped
from vecwise.verbs import Map


def told_chain(parts: list[str], whole: ChainModel | Map, folder: str, svg: str | None) -> Answer:
    """Tell the chain as one line and step by step, and which commands take it."""
    model = isinstance(whole, ChainModel)
    steps, takes = steps_of(whole), taken_by(whole)
    goes_in = "rows" if takes is None else f"vectors of {takes.dim:,}"
    end = (whole.target or "answers") if isinstance(whole, ChainModel) else "vectors"
    cells = [[clip(name, 60), f"{dim:,}"] for name, dim in steps]
    kind = "model" if model else "encoder"
    files = {kind: folder} | ({} if svg is None else {"picture": svg})
    space = whole.space if isinstance(whole, ChainModel) else whole.target
    data: dict[str, Any] = {
        "parts": parts,
        "takes": "rows" if takes is None else "vectors",
        "steps": [{"step": name, "dim": dim} for name, dim in steps],
        "ends_with": kind,
        "target": (whole.target or None) if isinstance(whole, ChainModel) else None,
        "classes": list(whole.classes) if isinstance(whole, ChainModel) and whole.classes else None,
        "space": space_data(space),
        "written": list(files.values()),
    }
    line = " → ".join([goes_in, *(clip(name, 60).replace(" > ", " → ") for name, _ in steps), clip(end, 40)])
    joints = count(len(parts) - 1, "joint")
    sections = [
        (f"A chain of {count(len(parts), 'part')}, {joints} checked", wrapped(line)),
        ("Steps", grid(["step", "numbers out"], cells, 60)),
        ("Use it", _use(folder, model=model, rows=takes is None)),
        ("Written", list(files.values())),
    ]
    return Answer(sections, data, files=files)


def _use(folder: str, *, model: bool, rows: bool) -> list[str]:
    place, what = short(folder, 40), "FILE" if rows else "VECTORS"
    if model:
        lines = [f"vecwise predict {place} {what}", f"vecwise trace {place} {what}"]
    else:
        lines = [
            f"vecwise encode {what} --encoder {place} -o DIR",
            f"vecwise trace {place} {what}",
            "It ends with vectors and predicts nothing; a model may stand behind it.",
        ]
    return [cut(line) for line in lines]
