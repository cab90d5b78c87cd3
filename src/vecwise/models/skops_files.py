"""scikit-learn estimators as bytes, by skops: no code inside, and only types from a list are built again.

This module must not know what an estimator is for.
"""

from __future__ import annotations

from typing import Any, Final

from vecwise.errors import Damaged, MissingPackage, NotSavable, WrongType, missing_package

# Types that a file may hold beside those that skops trusts by itself; a file that names another is refused.
# These are plain Python objects of numbers and arrays.
TRUSTED: Final = frozenset(
    {
        "vecwise.models.one_scale.OneScale",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    }
)


def estimator_bytes(estimator: Any) -> bytes:
    """Give a fitted estimator as bytes.

    Raises `NotSavable` for one that cannot be written, or that `estimator_of` would refuse, `MissingPackage` without
    skops.
    """
    skops = _skops("Saving a model")
    name = type(estimator).__name__
    try:
        data = bytes(skops.dumps(estimator))
        strange = _untrusted(skops, data)
    except Exception as error:
        raise NotSavable(f"{name} cannot be written without code: {error}") from error
    if strange:
        raise NotSavable(
            f"{name} is not saved, because it could not be opened again: it holds types that are not trusted, "
            f"{', '.join(strange)}. Linear models, neighbours, support vector machines, networks and "
            "HistGradientBoosting can be saved."
        )
    return data


def estimator_of(data: bytes, name: str) -> Any:
    """Build the estimator again; raises `WrongType` naming types that are not trusted, `Damaged`, `MissingPackage`."""
    skops = _skops("Opening a model")
    try:
        strange = _untrusted(skops, data)
        if strange:
            raise WrongType(
                f"{name} holds types that are not trusted, and is not opened: {', '.join(strange)}."
            )
        return skops.loads(data, trusted=sorted(TRUSTED & set(skops.get_untrusted_types(data=data))))
    except (WrongType, MissingPackage):
        raise
    except Exception as error:
        raise Damaged(f"The model in {name} is damaged: {type(error).__name__}. Fit it again.") from error


def _untrusted(skops: Any, data: bytes) -> list[str]:
    return [kind for kind in skops.get_untrusted_types(data=data) if kind not in TRUSTED]


def _skops(purpose: str) -> Any:
    try:
        import skops.io
    except ImportError as error:
        raise missing_package("skops", purpose, "'vecwise[models]'") from error
    return skops.io
