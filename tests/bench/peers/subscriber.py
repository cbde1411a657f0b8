# A bare subscriber of stomp.py: `python subscriber.py URL DESTINATION`. Prints `ready`, then one line
# for each message, which it acknowledges: the message's id.

import json
import sys
import threading
from urllib.parse import urlsplit

from stomp import ConnectionListener
from stomp.adapter.ws import WSStompConnection

url, destination = urlsplit(sys.argv[1]), sys.argv[2]
connection = WSStompConnection([(url.hostname, url.port)], ws_path=url.path, vhost="/")


def say(**event):
    print(json.dumps(event), flush=True)


class Listener(ConnectionListener):
    def on_receipt(self, frame):
        say(event="ready")

    def on_message(self, frame):
        say(event="notice", id=json.loads(frame.body)["id"])
        connection.ack(frame.headers["ack"])


connection.set_listener("", Listener())
connection.connect("guest", "guest", wait=True)
headers = {"prefetch-count": "200", "receipt": "subscribed"}
connection.subscribe(destination, "0", "client-individual", headers)
threading.Event().wait()
