"""The sampling error of heap profiles.

The runtime samples allocations with a Poisson process of one sample every `rate` bytes: an object
of `size` bytes is in the profile with p = 1 - exp(-size / rate), and stands for 1 / p objects. Of N
such objects the estimate has the variance N (1 - p) / p objects, a relative standard deviation of
sqrt((1 - p) / (N p)); for small objects that is sqrt(rate / bytes): 22 % at 10 MiB and the default
rate of 512 KiB.
Source: runtime/mprof.go, runtime/pprof (scaleHeapSample); measured against 200-400 trials each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chaosmem.profile.columns import Int64

Z95 = 1.959963984540054
"""Normal quantile of a two-sided 95 % interval."""

UNSEEN = 2.995732273553991
"""-ln(0.05): what may be there, in units of the rate, at 95 % when nothing was sampled."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value that may have been sampled.

    Attributes:
        value: the estimate.
        sd: its standard deviation; 0 if it is exact.
        low, high: 95 % interval.
    """

    value: int
    sd: float
    low: float
    high: float

    @classmethod
    def of(cls, value: int, variance: float, rate: int = 0) -> Estimate:
        """From a variance; `rate` widens the interval of a value that no sample speaks for."""
        sd = math.sqrt(variance)
        unseen = UNSEEN * rate if rate > 1 and not value and not variance else 0.0
        return cls(value, sd, value - Z95 * sd - unseen, value + Z95 * sd + unseen)


def variances(objects: Int64, size: Int64, rate: int) -> NDArray[np.float64]:
    """Variance, in bytes squared, of the estimated bytes of each sample of a heap profile.

    Args:
        objects: int64, estimated objects.
        size: int64, estimated bytes.
        rate: the profile's period in bytes; 1 or less means that every allocation is in it.
    """
    out = np.zeros(len(objects), np.float64)
    seen = np.flatnonzero((objects > 0) & (size > 0))
    if rate <= 1 or not len(seen):
        return out
    count = objects[seen].astype(np.float64)
    each = size[seen] / count
    missed = np.exp(-each / rate)  # 1 - p
    out[seen] = each**2 * count * missed / -np.expm1(-each / rate)
    return out
