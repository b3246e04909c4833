"""Work that is not done in the process that serves everybody: children that are begun, shared, held to limits and ended here."""
