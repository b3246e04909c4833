"""The process that reads documents: one message a document, one answer with what it says or why it is not read.

Whoever wrote a document may have written it against its reader. This process knows no secret, opens nothing, computes for a minute
at most, and works for one person alone.
"""

import logging
import sys
import traceback

from tools.child_processes.serving import serve
from tools.context_plane.documents import parser_messages
from tools.context_plane.documents.chunking import chunks_of
from tools.context_plane.documents.document_limits import MEMORY_BYTES, PROCESS
from tools.context_plane.documents.document_refused import DocumentRefused
from tools.context_plane.documents.reading import read_document
from tools.text.charsets import load_codecs


def answered(message: list[bytes]) -> list[bytes]:
    """Return the answer to a request, whatever happens to who reads the document."""
    content, media_type, name, cut = parser_messages.read_request(message)
    try:
        document = read_document(content, media_type, name)
        return parser_messages.answer(document, chunks_of(document) if cut else ())
    except DocumentRefused as refused:
        return parser_messages.refusal(refused)
    except (MemoryError, RecursionError):
        what = f"reading it takes more than {MEMORY_BYTES >> 20} MB of memory"
        return parser_messages.refusal(DocumentRefused("too_large", what, "split it, and send the parts"))
    except Exception as error:  # a fault of a reader is no fault of the gateway; where it is, says nothing of the document
        place = traceback.extract_tb(error.__traceback__)[-1]
        sys.stderr.write(f"a document could not be read: {type(error).__name__} at {place.filename}:{place.lineno}\n")
        return parser_messages.refusal(DocumentRefused("damaged", "it cannot be read", "save it anew or as text, and send that"))


if __name__ == "__main__":
    logging.disable()  # what a library has to say of a document is the author's to choose
    load_codecs()
    serve(answered, PROCESS)
