"""What `map` drew, in words and as data.

This module must not know the command line, nor compute anything.
"""

from __future__ import annotations

from vecwise.draw.words import count, fixed
from vecwise.structure.layout import Layout
from vecwise.table_text import clip
from vecwise.telling.answer import Answer
from vecwise.telling.words import space_data, wrapped


def mapped(
    name: str, rows: int, made: Layout, measure: str, files: dict[str, str | None], notes: tuple[str, ...]
) -> Answer:
    """Tell how the rows were laid out, how far to believe it, and where the files are; `files` by their kind."""
    found = made.faithfulness
    sampled = "" if rows == len(made.ids) else f" (a sample of {len(made.ids):,})"
    lines = [line for sentence in made.words for line in wrapped(f"{sentence[0].upper()}{sentence[1:]}.")]
    on = "" if found.measured == made.placed else f" Measured on {count(found.measured, 'row')}."
    believed = [f"{found.words[0].upper()}{found.words[1:]}."]
    if found.measured:
        believed.append(f"Trustworthiness {fixed(found.trustworthiness)} of 1, by {measure}.{on}")
    believed += notes
    written = [f"{kind:<8}{path}" for kind, path in files.items() if path is not None]
    sections = [
        (f"{clip(name, 60)}: {count(rows, 'row')}{sampled}", lines),
        ("How far to believe it", [line for sentence in believed for line in wrapped(sentence)]),
        *([("Files", written)] if written else []),
    ]
    data = {
        "name": name,
        "rows": rows,
        "dim": made.dim,
        "space": space_data(made.vectors.space),
        **{part: getattr(made, part) for part in ("method", "metric", "seed", "neighbors", "placed", "axes")},
        "measure": measure,
        "laid_out": made.sampled if made.sampled is not None else made.placed,
        "faithfulness": {
            "k": found.k,
            "neighbors_kept": found.neighbors_kept,
            "trustworthiness": found.trustworthiness,
            "measured": found.measured,
            "words": found.words,
        },
        **files,
        "notes": list(notes),
    }
    return Answer(sections, data)
