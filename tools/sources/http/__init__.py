"""HTTP operations at work: arguments to request, response to outcome."""
