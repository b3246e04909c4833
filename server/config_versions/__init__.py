"""The gateway's configuration: one document of sections, applied whole, kept as versions, in force on every node within two seconds."""
