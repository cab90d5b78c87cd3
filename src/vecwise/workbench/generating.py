"""New lines like those of a file: a generator trained or opened, asked, told and drawn.

This module must not know how its answers are printed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from vecwise.errors import Inapplicable
from vecwise.loading import is_saved, read_rows
from vecwise.models.generate.generator import (
    GENERATORS,
    Generator,
    check_lines,
    check_prompt,
    check_taste,
    open_generator,
)
from vecwise.models.generate.making import MOST_EPOCHS, generator
from vecwise.models.generate.written import Written
from vecwise.storing import open_encoder
from vecwise.telling.answer import Answer
from vecwise.telling.generated import told_lines
from vecwise.tracking.recorder import current
from vecwise.workbench.outputs import refuse_overwriting
from vecwise.workbench.tracked import tracked
from vecwise.workbench.views import display_name

_USUAL = {
    "text": None,
    "encoder": "sentence",
    "epochs": MOST_EPOCHS,
    "folder": None,
    "sample": None,
    "format": None,
}


@tracked("generate")
def generate_of(
    path: str,
    prompts: Sequence[str] = (),
    *,
    n: int = 5,
    temperature: float = 0.7,
    top_p: float = 0.8,
    guidance: float = 1.5,
    choices: int = 16,
    copies: bool = False,
    invent: bool | None = None,
    epochs: int = MOST_EPOCHS,
    encoder: str = "sentence",
    text: str | None = None,
    folder: str | None = None,
    html: str | None = None,
    csv: str | None = None,
    seed: int = 0,
    progress: Any = None,
    watch: Callable[[Any, float], None] | None = None,
    command: str = "",
    **reading: Any,
) -> Answer:
    """Learn the lines of a PATH, or open the generator of that folder, and write `n` lines for each prompt.

    `folder` keeps the generator, `csv` gets the lines, `html` a page with how it learned and the lines on a map.
    """
    refuse_overwriting(path, html, csv, folder)
    check_lines(n, choices)  # all that can be refused is, before anything is learned
    check_taste(temperature, top_p, guidance)
    for prompt in prompts:
        check_prompt(prompt)
    training = {"text": text, "encoder": encoder, "epochs": epochs, "folder": folder, **reading}
    made = (
        _opened(path, training) if GENERATORS.holds(path) else _trained(path, training, seed, progress, watch)
    )
    asked: list[str | None] = list(prompts) or [None]
    found = [
        made.write(prompt, n=n, temperature=temperature, top_p=top_p, guidance=guidance, choices=choices,
                   copies=copies, invent=invent, seed=seed)
        for prompt in asked
    ]  # fmt: skip
    if csv is not None:
        _write_lines(found, csv)
    if html is not None:
        from vecwise.generate_pictures import write_generated

        write_generated(html, made, found, name=display_name(path), command=command)
    return told_lines(display_name(path), made, found, {"html": html, "csv": csv, "generator": folder})


def _opened(path: str, training: dict[str, Any]) -> Generator:
    given = [name for name, value in _USUAL.items() if training.get(name) != value]
    if given:
        names = ", ".join("--save" if name == "folder" else f"--{name}" for name in given)
        raise Inapplicable(
            f"{path} is a generator that has learned already: {names} would have no effect. Leave it out."
        )
    return open_generator(path)


def _trained(
    path: str, training: dict[str, Any], seed: int, progress: Any, watch: Callable[[Any, float], None] | None
) -> Generator:
    own = ("text", "encoder", "epochs", "folder")
    table, _, _ = read_rows(
        path, seed=seed, **{name: value for name, value in training.items() if name not in own}
    )
    encoder = training["encoder"]
    run = current()

    def seen(epoch: Any, n_grams: float) -> None:
        if run is not None:
            run.log({"loss": epoch.loss, "perplexity": epoch.perplexity}, step=epoch.number)
        if watch is not None:
            watch(epoch, n_grams)

    return generator(
        table,
        text=training["text"],
        encoder=open_encoder(encoder) if is_saved(encoder) else encoder,
        epochs=training["epochs"],
        seed=seed,
        into=training["folder"],
        progress=progress,
        watch=seen,
    )


def _write_lines(found: Sequence[Written], target: str) -> None:
    import pyarrow as pa

    from vecwise.store.row_files import write_rows

    rows = [{"prompt": one.prompt, **line} for one in found for line in one.to_data()["lines"]]
    names = ("prompt", "text", "likeness", "copied_words", "copied_from")
    write_rows(pa.table({name: [row[name] for row in rows] for name in names}), target)
