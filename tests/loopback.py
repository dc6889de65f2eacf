"""Runs a command where there is no network but this machine itself, and says which other hosts it tried to reach.

    unshare --net python tests/loopback.py REPORT COMMAND...

In a namespace of its own every address leads back to the loopback device, where all packets are read. The hosts that
packets were meant for, with their ports, go into REPORT as JSON.
"""

import json
import socket
import struct
import subprocess
import sys
import threading
from ipaddress import ip_address
from pathlib import Path

HEADER = 14  # bytes of a frame before its packet
MULTICAST_NOISE = {"ff02::2", "ff02::16"}  # what the kernel itself says when a device comes up


def main() -> int:
    report, command = Path(sys.argv[1]), sys.argv[2:]
    for setup in ("link set lo up", "route add default dev lo", "-6 route add default dev lo"):
        subprocess.run(["ip", *setup.split()], check=not setup.startswith("-6"), stderr=subprocess.DEVNULL)
    reached: set[str] = set()
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(3))  # every protocol
    wire.bind(("lo", 0))
    threading.Thread(target=read, args=(wire, reached), daemon=True).start()
    status = subprocess.run(command, check=False).returncode
    report.write_text(json.dumps(sorted(reached)))
    return status


def read(wire: socket.socket, reached: set[str]) -> None:
    """Notes where packets go that are not for this machine."""
    while True:
        frame = wire.recv(200)
        kind = struct.unpack("!H", frame[12:HEADER])[0]
        if kind == 0x0800:
            size = HEADER + 4 * (frame[HEADER] & 15)
            protocol, target = frame[HEADER + 9], ip_address(frame[HEADER + 16 : HEADER + 20])
        elif kind == 0x86DD:
            size, protocol, target = HEADER + 40, frame[HEADER + 6], ip_address(frame[HEADER + 24 : HEADER + 40])
        else:
            continue
        if not target.is_loopback and str(target) not in MULTICAST_NOISE:
            port = struct.unpack("!H", frame[size + 2 : size + 4])[0] if protocol in (6, 17) else 0
            reached.add(f"{target}:{port}")


if __name__ == "__main__":
    sys.exit(main())
