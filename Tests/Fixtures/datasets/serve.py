"""A small HTTP server with the faults of real mirrors, for DownloadTests.swift. Serves the current folder on 127.0.0.1.

The first part of a path is the manner: /ok/F serves F, with ranges; /noranges/F ignores them; /cut/F ends every answer
after 700 bytes; /wrong/F serves other bytes; /stall/F stops in the middle; anything else is 404. Prints its port, then
a line "MANNER FILE RANGE" for each request. Ends when its standard input does, so that no server outlives its test.
"""

import http.server
import os
import sys
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        _, manner, name = self.path.split("/", 2)
        asked = self.headers.get("Range", "-")
        print(manner, name, asked, flush=True)
        if manner not in ("ok", "noranges", "cut", "wrong", "stall") or not os.path.exists(name):
            return self.send_error(404)
        with open(name, "rb") as file:
            data = file.read()
        if manner == "wrong":
            data = b"<html>Welcome to the airport</html>"
        start = 0
        if asked != "-" and manner != "noranges":
            start = int(asked.removeprefix("bytes=").split("-")[0])
            if start >= len(data):
                return self.send_error(416)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        rest = data[start:]
        self.wfile.write(rest[:700] if manner in ("cut", "stall") else rest)
        if manner == "stall":
            ended.wait()

    def log_message(self, *args):
        pass


ended = threading.Event()
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
ended.set()
