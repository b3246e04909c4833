"""The three corpora that are indexed: operations, dated facts, passages of documents."""

from types import MappingProxyType

from capability_index.analysis import Analysis, FieldRule

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
#: "text" is the whole statement; the other fields are its parts, and make a word that names the subject or the value count more
FACTS = Analysis(
    name="facts",
    fields=MappingProxyType(
        {
            "text": FieldRule(1.0, 0.75, max_chars=2_000),
            "subject": FieldRule(0.0, 0.5, in_vector=False),
            "predicate": FieldRule(0.0, 0.5, in_vector=False),
            "object": FieldRule(0.0, 0.5, in_vector=False),
        }
    ),
    columns=("valid_from", "valid_to", "recorded_at", "retired_at", "audience", "source", "subject", "object", "predicate", "state"),
    words_share=0.5,
)
#: "heading" is the path of headings above the passage, "name" the name of its document
PASSAGES = Analysis(
    name="passages",
    fields=MappingProxyType(
        {
            "text": FieldRule(1.0, 0.75, max_chars=6_000),
            "heading": FieldRule(0.5, 0.5),
            "name": FieldRule(0.25, 0.5, in_vector=False),
        }
    ),
    columns=("document", "audience", "source", "n"),
    words_share=0.7,
)
