"""The stand-ins as a command, and where they are not."""

import subprocess
import sys
from datetime import UTC, datetime

import pytest

from server.demo.gong.faults import GongFaults
from server.demo.salesforce.faults import SalesforceFaults
from server.demo.stand_ins.clock import StandInClock
from server.demo.stand_ins.faults import UnknownFault, pairs_of, set_faults
from server.demo.stand_ins.traffic import Traffic

#: of the stand-ins, and of what reads the vendors
PREFIXES = ("server.demo.gong", "server.demo.salesforce", "tools.workflows.ingestion.gong", "tools.workflows.ingestion.salesforce")


def test_a_gateway_loads_none_of_them() -> None:
    program = f"import sys, server.app, server.commands.serve; print(*(m for m in sys.modules if m.startswith({PREFIXES!r})))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("kind", ["gong", "salesforce"])
def test_it_says_when_it_is_ready_and_ends_when_it_is_told_to(kind: str) -> None:
    program = [sys.executable, "-c", "from server.cli import main; main()"]
    options = ["demo-upstream", "--kind", kind, "--port", "0", "--fault", "limited_every=7"]
    with subprocess.Popen([*program, *options], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        lines = []
        for line in running.stdout:
            lines.append(line)
            if line.startswith("ready http://127.0.0.1:"):
                running.terminate()
        assert running.wait(20) == 0
    assert any("secret" in line for line in lines)


def test_a_fault_is_a_name_and_a_value_of_its_kind() -> None:
    faults = SalesforceFaults()
    set_faults(faults, pairs_of(("hidden_fields=Opportunity.Amount", "header_on_each_page=false", "late_every=3")))
    assert (faults.hidden_fields, faults.header_on_each_page, faults.late_every) == ("Opportunity.Amount", False, 3)
    for wrong in ({"late_every": "often"}, {"late": 1}, {"late_every": -1}, {"rotates": 2}):
        with pytest.raises(UnknownFault):
            set_faults(faults, wrong)
    with pytest.raises(UnknownFault):
        pairs_of(("late_every",))
    assert GongFaults() == GongFaults(late_every=0)


def test_the_busiest_second_is_any_second() -> None:
    traffic = Traffic()
    for at_s in (0.0, 0.9, 1.8, 1.85, 1.89, 1.95, 2.9):
        traffic.count("GET /v2/calls", at_s)
    assert (traffic.highest_per_s, traffic.total) == (4, 7)


def test_a_clock_runs_until_it_is_set() -> None:
    clock = StandInClock()
    clock.set(datetime(2026, 11, 2, tzinfo=UTC))
    clock.advance(90)
    assert clock.now == datetime(2026, 11, 2, 0, 1, 30, tzinfo=UTC)
    with pytest.raises(ValueError, match="offset"):
        clock.set(datetime(2026, 11, 2))  # noqa: DTZ001  what is refused
