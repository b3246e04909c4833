"""The int8 scan, where numba is installed (`pip install ascend-gateway[accelerator]`); numpy has no fast one."""

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: (codes (n, d) int8, scales (n,), query (d,) float32, out (n,)): write the scaled dot products to `out`
Int8Scan = Callable[[NDArray[np.int8], NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]], None]
_QUERY_STEPS = 127


def _compiled() -> Int8Scan | None:
    if importlib.util.find_spec("numba") is None:
        return None
    from numba import njit  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415  # optional: 200 MB that few catalogues need

    @njit(nogil=True, fastmath=True, boundscheck=False)  # type: ignore[untyped-decorator,unused-ignore]
    def dots(codes: Any, scales: Any, query: Any, step: Any, out: Any) -> None:
        n, d = codes.shape
        for row in range(n):
            total = np.int32(0)
            for at in range(d):
                total += np.int32(codes[row, at]) * np.int32(query[at])
            out[row] = total * scales[row] * step

    def scan(codes: NDArray[np.int8], scales: NDArray[np.float32], query: NDArray[np.float32], out: NDArray[np.float32]) -> None:
        step = np.float32(max(float(np.abs(query).max()), 1e-9) / _QUERY_STEPS)
        dots(codes, scales, np.rint(query / step).astype(np.int8), step, out)

    return scan


INT8_SCAN: Int8Scan | None = _compiled()
