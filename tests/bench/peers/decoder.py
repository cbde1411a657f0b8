# Frames a second of stomp.py: `python decoder.py FRAMES ROUNDS`, the frame on standard input. Finding
# the frame's end is left out, which stomp.py does while it reads from a socket.

import json
import sys
import time

from stomp.utils import parse_frame

frames, rounds = (int(number) for number in sys.argv[1:])
message = sys.stdin.buffer.read().rstrip(b"\0")


def decode():
    began = time.perf_counter()
    for _ in range(frames):
        frame = parse_frame(message)
        headers = frame.headers
        assert headers["subscription"] and headers["message-id"] and headers["destination"]
        assert frame.body.decode()
    return frames / (time.perf_counter() - began)


print(json.dumps([decode() for _ in range(rounds)]))
