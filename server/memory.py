"""What starting leaves behind in memory, and how to be rid of it."""

import ctypes
import gc
import sys


def settle() -> None:
    """Give back what loading needed for a moment, and let the collector pass over what lives until the end.

    Loading the word table takes 60 MB more than it keeps; glibc would hold on to them. Frozen objects are never looked at
    again, which keeps full collections out of the tail of the latencies.
    """
    gc.collect()
    gc.freeze()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
        if trim is not None:
            trim(0)
