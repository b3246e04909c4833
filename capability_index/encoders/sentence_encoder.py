"""Vectors from a sentence-transformers model in this process (`pip install ascend-gateway[sentence-transformers]`)."""

import importlib
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capability_index.encoders.encoder import unit
from capability_index.errors import EncoderUnavailable


class SentenceEncoder:
    """The model `name`, a folder or a name that is on this machine already. Raises EncoderUnavailable when made."""

    def __init__(self, name: str) -> None:
        try:
            # By name and only here: it brings torch, which a gateway without it must never load.
            library: Any = importlib.import_module("sentence_transformers")
            self._model = library.SentenceTransformer(name, local_files_only=True)
        except ImportError as error:
            raise EncoderUnavailable("sentence-transformers is not installed; install ascend-gateway[sentence-transformers]") from error
        except (OSError, ValueError) as error:
            raise EncoderUnavailable(f"encoder {name}: not on this machine; give the folder of the model") from error
        self.dimension = int(self._model.get_sentence_embedding_dimension())
        self.model = f"{name}/{self.dimension}"
        # One model has one set of buffers.
        self._encoding = threading.Lock()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        try:
            with self._encoding:
                vectors = self._model.encode(list(texts), convert_to_numpy=True, show_progress_bar=False)
        except RuntimeError as error:
            raise EncoderUnavailable(f"encoder {self.model}: the model failed") from error
        return unit(np.array(vectors, np.float32))
