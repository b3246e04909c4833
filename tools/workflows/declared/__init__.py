"""Stored plans as the bodies of workflows: the language of batch_execute, checked whole, kept by version, run step by durable step.

document     from bytes to a value whose lines are known     definition    what a document says
checking     against the catalogue, with place and way out   plan_body     how a run goes through its steps
"""
