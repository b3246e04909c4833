"""JSON that is too heavy for the process that serves everybody: weighed here, worked out by a child."""
