"""Who is calling, and with which credentials we call: authorization server, connections, vault."""
