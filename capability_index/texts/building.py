"""Make a part of new rows of text."""

from collections.abc import Mapping, Sequence

import numpy as np

from capability_index.analysis import Analysis
from capability_index.encoders.encoder import WordTable, unit
from capability_index.lexical import PostingsBuilder
from capability_index.operations import Operations
from capability_index.part import Floats, Ids, Segment, Shard
from capability_index.texts.evidence import EvidenceBuilder
from capability_index.vectors import CodedMatrix
from capability_index.words import plain

_BATCH = 512


def build_texts(
    analysis: Analysis, ids: Ids, fields: Sequence[Mapping[str, str]], columns: Ids, table: WordTable | None, beside: Sequence[Shard] = ()
) -> Segment:
    """Index rows of text, whose ids differ, in the order given. `beside`: the rest of the segment, whose lengths count in the mean."""
    builder = PostingsBuilder(analysis)
    evidence = EvidenceBuilder(table, analysis.sentences, analysis.pairs > 0)
    vectors = None if table is None else np.zeros((len(ids), table.dimension), np.float32)
    for start in range(0, len(ids), _BATCH):
        texts = [_cleaned(analysis, each) for each in fields[start : start + _BATCH]]
        stems = [builder.add(each) for each in texts]
        evidence.add([each[analysis.worded[0][0]] for each in texts], stems)
        if table is not None and vectors is not None:
            vectors[start : start + len(texts)] = _vectors(analysis, texts, table)
    lengths = builder.lengths
    known = sum((shard.words for shard in beside), lengths.sum(axis=0, dtype=np.int64))
    postings = builder.build(np.asarray(known / max(len(ids) + sum(shard.live for shard in beside), 1), np.float32))
    return Segment.of(
        analysis,
        ids=ids,
        columns=columns,
        lengths=lengths,
        postings=postings,
        matrices={} if table is None or vectors is None else {table.model: CodedMatrix.of(vectors)},
        evidence=evidence.build(),
        operations=Operations.none(),
        neighbours=None,
    )


def _cleaned(analysis: Analysis, fields: Mapping[str, str]) -> dict[str, str]:
    """Return the fields without markup, cut; the line ends stay, which end sentences too."""
    return {
        name: "\n".join(filter(None, (plain(line, rule.max_chars) for line in fields.get(name, "")[: rule.max_chars].split("\n"))))
        for name, rule in analysis.fields.items()
    }


def _vectors(analysis: Analysis, texts: Sequence[Mapping[str, str]], table: WordTable) -> Floats:
    """Return a unit row for each text: its fields as unit rows, added as the analysis weighs them."""
    sums = np.zeros((len(texts), table.dimension), np.float32)
    for name, rule in analysis.fields.items():
        if rule.vector > 0:
            # Subjects and predicates repeat.
            places = {text: at for at, text in enumerate(dict.fromkeys(each[name] for each in texts))}
            sums += np.float32(rule.vector) * table.encode(list(places))[[places[each[name]] for each in texts]]
    return unit(sums)
