"""An encoder that is a fitted map and nothing else: what saved vectors carry, as an encoder for new rows.

This module must not know any particular map.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

from vecwise.encoders.base import Encoder
from vecwise.errors import NotFitted
from vecwise.verbs import Map


class FittedEncoder(Encoder):
    """Encodes as the map does; there is nothing to set and nothing to fit.

    >>> import vecwise as vw
    >>> X = vw.encode(["the sea", "the sky"], "count")
    >>> FittedEncoder.of(X.encoder).transform(["sky sky"]).toarray()
    array([[0., 0., 2.]])
    """

    needs_rows: ClassVar[bool] = False

    def __init__(self) -> None:
        pass

    @classmethod
    def of(cls, fitted: Map) -> Self:
        """Wrap a map."""
        made = cls()
        made._map, made._opened = fitted, True
        return made

    def fit(self, rows: Any, y: Any = None) -> Self:
        """Give itself: it is fitted already."""
        if self._map is None:
            raise NotFitted("This encoder holds no map. Open one: vw.open_encoder(path).")
        return self

    def partial_fit(self, rows: Any, y: Any = None) -> Self:
        """Give itself: it is fitted already."""
        return self.fit(rows)
