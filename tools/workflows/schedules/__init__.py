"""Schedules: workflows that begin at times of a zone, one start a slot on any number of nodes (docs/decisions/0062).

cron       when the slots are                schedule   what is started then, and what became of it
stores     what is remembered                slots      takes those that have come, hears how runs ended
scheduler  sleeps until the next one comes
setting    what an operator says, checked    builtin    what each tenant has from the start
"""
