"""Topics of the change feed: by their news processes hear what others do to runs, schedules and webhooks."""

#: the item is the id of a run
RUN_NEWS = "workflows"
#: the next slot may be another
SCHEDULE_NEWS = "schedules"
WEBHOOK_NEWS = "webhooks"
