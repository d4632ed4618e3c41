"""An S3 server with the bucket "lastcall", for trying: moto, with its objects on disk.

moto keeps objects in memory. Here each is written to /data and synced before its upload is answered,
so that the server may be stopped, killed and started again like a real one.
`check` asks whether it answers.
"""

import os
import pathlib
import signal
import sys
import threading
import urllib.parse
import urllib.request

BUCKET = "lastcall"
URL = f"http://127.0.0.1:5000/{BUCKET}"
DATA = pathlib.Path("/data")
PART = ".part"


def file_of(key):
    return DATA / urllib.parse.quote(key, safe="")


def sync_folder():
    folder = os.open(DATA, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def save(key, value):
    part = file_of(key).with_name(f"{threading.get_ident()}{PART}")
    with open(part, "wb") as file:
        file.write(value)
        os.fsync(file.fileno())
    part.rename(file_of(key))
    sync_folder()


def keep(backend_class):
    """Lets every change of the bucket reach the disk before it is answered."""
    put, delete = backend_class.put_object, backend_class.delete_object

    def put_object(self, bucket_name, key_name, value, *arguments, **named):
        made = put(self, bucket_name, key_name, value, *arguments, **named)
        if bucket_name == BUCKET:
            save(key_name, made.value)
        return made

    def delete_object(self, bucket_name, key_name, *arguments, **named):
        done = delete(self, bucket_name, key_name, *arguments, **named)
        if bucket_name == BUCKET:
            file_of(key_name).unlink(missing_ok=True)
        return done

    backend_class.put_object = put_object
    backend_class.delete_object = delete_object


def load(backend):
    for file in DATA.iterdir():
        if file.name.endswith(PART):
            file.unlink()
        else:
            backend.put_object(BUCKET, urllib.parse.unquote(file.name), file.read_bytes())


def main():
    from moto.core import DEFAULT_ACCOUNT_ID
    from moto.s3.models import S3Backend, s3_backends
    from moto.server import ThreadedMotoServer

    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    # What was there is there again before the first request.
    backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    backend.create_bucket(BUCKET, "us-east-1")
    load(backend)
    keep(S3Backend)
    ThreadedMotoServer(ip_address="0.0.0.0", port=5000, verbose=False).start()
    stopped.wait()


if sys.argv[1:] == ["check"]:
    urllib.request.urlopen(URL, timeout=3).read()
else:
    main()
