"""What a fork server imports last: the collector then passes over all that it has loaded, in each program that it forks.

Else every one would look through half a million objects when it settles, and copy the pages that they stand in.
"""

import gc

gc.collect()
gc.freeze()
