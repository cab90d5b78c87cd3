"""A scikit-learn transformer that scales all dimensions by one number.

This module must not know any model; it loads scikit-learn, so it is imported where a model is made.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted


class OneScale(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Centers every dimension and divides all by one number, so that their mean variance is 1.

    For dimensions that share a unit (sentences, pixels): dividing each by its own deviation would blow up those that
    hardly vary. Rows that are all equal become zeros.

    >>> OneScale().fit_transform([[0.0, 1.0], [2.0, 1.0]]).round(3).tolist()
    [[-1.414, 0.0], [1.414, 0.0]]
    """

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the mean of every dimension and the root of their mean variance."""
        values = np.asarray(X, np.float64)
        self.mean_ = values.mean(axis=0)
        variance = float(values.var(axis=0).mean())
        self.scale_ = np.sqrt(variance) if variance > 0 else 1.0
        self.n_features_in_ = values.shape[1]
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Center and divide."""
        check_is_fitted(self)
        return (np.asarray(X, np.float64) - self.mean_) / self.scale_
