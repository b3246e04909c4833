"""What goes wrong at the Salesforce stand-in. `…_every`: each n-th record, 0 none."""

from dataclasses import dataclass

from server.demo.stand_ins.faults import StandInFaults


@dataclass(slots=True)
class SalesforceFaults(StandInFaults):
    #: become visible so long after the SystemModstamp that they have: the transaction took that long
    late_every: int = 0
    late_s: int = 150
    #: a field that this user may not see, like Opportunity.Amount; several with commas
    hidden_fields: str = ""
    #: so many next locators are over when they come back; others live two days
    expired_locators: int = 0
    #: of requests in 24 hours, and how many others have used of them
    requests_allowed: int = 100_000
    requests_used: int = 0
    #: polls until a bulk job is complete, and how many jobs fail before one is
    bulk_polls: int = 2
    failed_jobs: int = 0
    #: the CSV header stands on each page (as documented) or on the first alone (as seen)
    header_on_each_page: bool = True
    #: smaller pages than were asked for, as the server may choose; 0: as asked
    page_size: int = 0
    session_s: int = 7200
    #: a refresh gives a new refresh token and ends the one before
    rotates: bool = False
