"""Who asks for tokens: registered, described by a document, or made by an operator; and how each proves itself."""
