"""JMESPath within bounds: what of an answer is taken, by callers and by plans."""
