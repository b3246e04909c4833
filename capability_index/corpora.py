"""The corpora that are indexed: operations, dated facts, passages of documents and of talk."""

from types import MappingProxyType

from capability_index.analysis import Analysis, Doubt, FieldRule

#: reference lengths are fixed: the scores of an operation depend on no other one of the catalogue
OPERATIONS = Analysis(
    name="operations",
    fields=MappingProxyType(
        {
            "name": FieldRule(2.0, 0.3, 3.0),
            "text": FieldRule(1.0, 0.75, 14.0),
            "parameter_names": FieldRule(0.5, 0.5, 5.0),
            "parameter_texts": FieldRule(0.25, 0.75, 25.0),
            "place": FieldRule(0.5, 0.3, 4.0),
            "examples": FieldRule(0.5, 0.75, 12.0),
        }
    ),
)
#: "text" is the whole statement, whose words are read; the other fields are its parts, and say more together than one long text
FACTS = Analysis(
    name="facts",
    fields=MappingProxyType(
        {
            "text": FieldRule(1.0, 0.5, max_chars=2_000, vector=0.3),
            "subject": FieldRule(0.0, vector=1.0),
            "predicate": FieldRule(0.0, vector=1.4),
            "object": FieldRule(0.0, vector=0.4),
        }
    ),
    columns=("valid_from", "valid_to", "recorded_at", "retired_at", "audience", "source", "subject", "object", "predicate", "state"),
    words_share=0.35,
    expands=True,
    doubt=Doubt(-7.7, 18.9, 14.3, -0.1),
)
#: "heading" is the path of headings above the passage, "name" the name of its document
PASSAGES = Analysis(
    name="passages",
    fields=MappingProxyType(
        {
            "text": FieldRule(1.0, 0.75, max_chars=6_000, vector=1.0),
            "heading": FieldRule(0.5, 0.5, vector=0.25),
            "name": FieldRule(0.25, 0.5),
        }
    ),
    columns=("document", "audience", "source", "n"),
    words_share=0.65,
    expands=True,
    sentences=True,
    pairs=0.3,
    around=0.25,
    doubt=Doubt(-19.8, 2.5, 28.7, 3.0),
)
CORPORA = MappingProxyType({analysis.name: analysis for analysis in (OPERATIONS, FACTS, PASSAGES)})
