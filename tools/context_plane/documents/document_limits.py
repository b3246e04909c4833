"""What a document may be, and what reading it may cost (context contract §6)."""

from tools.child_processes.limits import ProcessLimits

MAX_BYTES = 20_000_000
#: of all that is packed in it
MAX_UNPACKED_BYTES = 200_000_000
MAX_PAGES = 2_000
MAX_CHARACTERS = 20_000_000
#: beyond which headings are text like any other
MAX_HEADINGS = 10_000
#: of a title, wherever it is shown
MAX_TITLE_CHARACTERS = 200

#: of computing, and by the clock on a machine that has others to serve
CPU_S, MAX_S = 60, 90.0
MEMORY_BYTES = 512 << 20
PROCESS = ProcessLimits(memory_bytes=MEMORY_BYTES, idle_s=30.0, cpu_s=CPU_S, opens_nothing=True)
#: processes that read documents at a time
PLACES = 2
