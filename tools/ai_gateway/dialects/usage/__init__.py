"""Tokens as each provider reports them, counted one way. A reported zero is zero; nothing reported is None."""
