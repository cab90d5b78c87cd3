"""Saved things made one: encoders, learned maps and a model, with every joint checked by name.

This module must not know how its answers are printed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vecwise.encoders.fitted import FittedEncoder
from vecwise.errors import Inapplicable, VecwiseError
from vecwise.models.chained import ChainModel, chain, drawn
from vecwise.store.os_errors import shown
from vecwise.storing import save
from vecwise.telling.answer import Answer
from vecwise.telling.chains import told_chain
from vecwise.workbench.opening import model_at
from vecwise.workbench.outputs import refuse_overwriting
from vecwise.workbench.tracked import tracked


@tracked("chain")
def chain_of(
    parts: Sequence[str], folder: str, *, target: str | None = None, svg: str | None = None
) -> Answer:
    """Chain saved PARTS and save them as one in a folder; `target` names the answers, `svg` gets a picture.

    Errors name the joint.
    """
    from vecwise.store.durable import write_text

    for part in parts:
        refuse_overwriting(part, folder, svg)
    opened = [model_at(part) for part in parts]
    whole: Any = opened[0]
    for place in range(1, len(opened) + 1):
        try:
            whole = chain(*opened[:place], target=target or "")
        except VecwiseError as error:
            raise _at_the_joint(error, parts, place) from error
    if target is not None and not isinstance(whole, ChainModel):
        raise Inapplicable(
            f"`{target}` would have no effect: this chain ends with vectors and predicts nothing. Leave --target out."
        )
    if isinstance(whole, ChainModel):
        whole.save(folder)
    else:
        save(FittedEncoder.of(whole), folder)
    if svg is not None:
        write_text(svg, drawn(whole))
    return told_chain(list(parts), whole, folder, svg)


def _at_the_joint(error: VecwiseError, parts: Sequence[str], place: int) -> VecwiseError:
    """The refusal with the names of both sides before it."""
    if place == 1:
        return type(error)(f"{shown(parts[0])}: {error}")
    return type(error)(f"{shown(parts[place - 2])} → {shown(parts[place - 1])}: {error}")
