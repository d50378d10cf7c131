"""localstripe on a free port of this machine only, without its file in /tmp, for as long as stdin is open."""
import os
import socket
import sys
import threading

from aiohttp import web
from localstripe.resources import store
from localstripe.server import app

store.dump_to_disk = lambda: None
end = threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True)
end.start()
sock = socket.socket()
sock.bind(("127.0.0.1", 0))
print(sock.getsockname()[1], flush=True)
web.run_app(app, sock=sock, print=None, access_log=None)
