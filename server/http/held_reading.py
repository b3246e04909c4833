"""Reading from a connection that has given us enough to do."""

from uvicorn.protocols.http.flow_control import FlowControl


class HeldReading(FlowControl):
    """uvicorn's flow control, in which reading stays paused while `is_held`, whoever wants to read on."""

    is_held = False

    def resume_reading(self) -> None:
        # decision 0024: uvicorn resumes after each answer, which would let the queue grow again at once.
        if not self.is_held:
            super().resume_reading()
