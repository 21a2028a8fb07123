"""Serves the folders of the ring's page, as any file server would."""

import functools
import http.server
import threading
import time

import pytest


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words):
        pass

    def send_head(self):
        self.server.asked.append(self.path)
        time.sleep(self.server.pause)
        return super().send_head()

    def copyfile(self, source, outputfile):
        while part := source.read(2**18):
            outputfile.write(part)
            time.sleep(self.server.pause / 4)


@pytest.fixture(scope="module")
def file_server():
    """Serve a folder, each file after a pause and in parts; give its address. `servers` have the paths asked for."""
    servers = []

    def serve(folder, pause=0.0):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
        server.asked, server.pause = [], pause
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/"

    serve.servers = servers
    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()
