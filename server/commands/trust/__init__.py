"""`ascend trust …`: workloads of platforms that may administer."""
