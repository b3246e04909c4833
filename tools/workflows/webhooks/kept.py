"""For how long what webhooks bring is kept, in days."""

#: the body of a delivery, for its runs
BODY_KEPT_DAYS = 7
#: its id, so that the same event counts once
EVENT_KEPT_DAYS = 30
