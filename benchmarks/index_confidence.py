"""How often nonsense is called out, and real intents are not: `python -m benchmarks.index_confidence`.

Goals: `low_confidence` for at least 90 % of nonsense and at most 5 % of real intents. `capability_index/ranking/confidence.py` was fitted
on these same sets; a fit on every second intent scored the other half the same within 1 %.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when numpy is loaded

from collections import Counter

from benchmarks.index_catalogues import DATA, given, merged, nonsense
from capability_index.encoders.encoder import load_word_table
from capability_index.index import CapabilityIndex
from capability_index.search import Visible


def main() -> None:
    if not DATA.is_dir():
        raise SystemExit(f"no development data in {DATA}")
    table = load_word_table()
    kinds = list(dict.fromkeys(kind for kind, _ in nonsense()))
    print(f"{'% flagged':24}{'real':>8}" + "".join(f"{kind:>18}" for kind in kinds) + f"{'all nonsense':>18}")
    real_flagged = real_asked = odd_flagged = odd_asked = 0
    for catalogue in (*given(1_000), merged(300)):
        index = CapabilityIndex(table)
        index.upsert("*", catalogue.documents)
        flagged, asked = Counter[str](), Counter[str]()
        for kind, text in [("real", query.text) for query in catalogue.queries] + list(nonsense()):
            asked[kind] += 1
            flagged[kind] += index.search(text, Visible(("*",)), 1).low_confidence
        odd = sum(flagged[kind] for kind in kinds), sum(asked[kind] for kind in kinds)
        shares = [100 * flagged[kind] / asked[kind] for kind in kinds]
        line = "".join(f"{share:18.1f}" for share in shares)
        print(f"{catalogue.name:24}{100 * flagged['real'] / asked['real']:8.1f}{line}{100 * odd[0] / odd[1]:18.1f}", flush=True)
        real_flagged, real_asked = real_flagged + flagged["real"], real_asked + asked["real"]
        odd_flagged, odd_asked = odd_flagged + odd[0], odd_asked + odd[1]
    print(f"{'together':24}{100 * real_flagged / real_asked:8.1f}{'':{18 * len(kinds)}}{100 * odd_flagged / odd_asked:18.1f}")


if __name__ == "__main__":
    main()
