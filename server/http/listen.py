"""Take a port before anything is opened, so that a taken one is said at once and in plain words."""

import socket

from server.config.errors import SettingsError


def listen(host: str, port: int, option: str = "--port") -> socket.socket:
    """Return a listening socket. Raises SettingsError where the address cannot be had; `option` chooses another port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise SettingsError(f"{host}:{port}: {error.strerror}; stop what listens there or choose another port with {option}") from error
    listener.setblocking(False)
    return listener
