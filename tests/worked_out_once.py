"""What every gateway works out alike from what the program brings along is worked out once in a process: a sixth of opening one.

The signatures of its own operations, and the words of the encoder. No test changes either; those that read them do so where they are.
"""

from pathlib import Path

import orjson
import pytest

from capability_index.encoders.encoder import WordTable, load_word_table
from tools.catalog.signatures import signature_of
from tools.operation import Json

WORDS = "words.table"


def work_out_once() -> None:
    """Have gateways of this process share both."""
    tables: list[WordTable] = []
    signatures: dict[bytes, str] = {}

    def table(directory: Path, chosen: Path | None) -> WordTable:
        # A folder where nothing was started yet is to have its file.
        if chosen or not (directory / WORDS).exists():
            return load_word_table(directory, chosen)
        if not tables:
            tables.append(load_word_table(directory))
        return tables[0]

    def signature(operation_id: str, input_schema: Json, returns: str) -> str:
        key = orjson.dumps([operation_id, input_schema, returns])
        if key not in signatures:
            signatures[key] = signature_of(operation_id, input_schema, returns)
        return signatures[key]

    patched = pytest.MonkeyPatch()
    patched.setattr("server.assembly.operations.load_word_table", table)
    patched.setattr("tools.sources.builtin.signature_of", signature)
