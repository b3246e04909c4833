"""Operations of the context plane: facts, entities, documents; thin, over `tools/context_plane`."""
