"""Ingestion: what other systems know, taken in by workflows (context contract §4, §5).

A window run reads a window of a source through operations of the catalogue, with an overlap. Each item that is new or changed becomes a
run of its own, which writes all its rows in one transaction; the watermark moves when every item of the window is enqueued or parked.

item      what was read, in the words of the context plane     staging   items that wait for their runs
taking_in one item's rows                                      reader    who reads a source: one run at a time, at its pace
declared  names, inputs     gong/, salesforce/   what is asked, and what it means     salesforce_ids   by which both name one record
"""
