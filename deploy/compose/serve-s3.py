"""An S3 server in memory with the bucket "lastcall", for trying. `check` asks whether it answers."""

import signal
import sys
import threading
import urllib.request

BUCKET = "http://127.0.0.1:5000/lastcall"

if sys.argv[1:] == ["check"]:
    urllib.request.urlopen(BUCKET, timeout=3).read()
    sys.exit()

from moto.server import ThreadedMotoServer  # noqa: E402

stopped = threading.Event()
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda *_: stopped.set())
server = ThreadedMotoServer(ip_address="0.0.0.0", port=5000, verbose=False)
server.start()
urllib.request.urlopen(urllib.request.Request(BUCKET, method="PUT"), timeout=30).read()
stopped.wait()
