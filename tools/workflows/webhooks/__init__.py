"""Webhooks in: who may start which workflow by a signed request, and what came (operations contract, "Edge and webhooks").

webhook    a source, its scheme, its keys and the workflow that it starts     schemes/   how each kind of sender signs
intake     from a request to a run on record                                   event      what a run sees of it
"""
