"""Serves the folders of the ring's page, as any file server would."""

import functools
import http.server
import threading

import pytest


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words):
        pass

    def send_head(self):
        self.server.asked.append(self.path)
        return super().send_head()


@pytest.fixture(scope="module")
def file_server():
    """Serve a folder; gives its address. `servers` are the running ones, with the paths that they were asked for."""
    servers = []

    def serve(folder):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
        server.asked = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/"

    serve.servers = servers
    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()
