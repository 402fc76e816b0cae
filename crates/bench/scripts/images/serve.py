"""A worker in Python: a batch of files as a line of JSON in, what was used so far as a line of JSON out."""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor


def peak_bytes():
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def serve(make):
    """Calls `make(source, target, side, quality)` for each file, as many at a time as asked for."""
    with ThreadPoolExecutor(int(sys.argv[1])) as pool:
        for line in sys.stdin:
            batch = json.loads(line)
            error = None
            try:
                list(pool.map(lambda file: make(*file, batch["side"], batch["quality"]), batch["files"]))
            except Exception as failed:
                error = repr(failed)
            # The clock of the process counts all threads.
            used = {"cpu_ns": time.process_time_ns(), "peak_bytes": peak_bytes(), "error": error}
            print(json.dumps(used), flush=True)
