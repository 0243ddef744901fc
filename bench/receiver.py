"""A subscriber that notes when it heard what; `python -m bench.receiver PORT`.

POST /fast answers at once, POST /slow after as long as nobody waits for. GET / tells
what was heard, as JSON: [[path, id of the thing, time], ...].
"""

import asyncio
import json
import re
import sys
import time

SLOW_SECONDS = 15.0
_THING = re.compile(rb'"id":"([0-9a-f-]{36})"')
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_THANKS = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

heard: list[tuple[str, str, float]] = []


class Subscriber(asyncio.Protocol):
    """One connection, which is kept as long as the caller likes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # for mypy
        self.transport = transport
        self.waiting = b""

    def data_received(self, data: bytes) -> None:
        self.waiting += data
        while True:
            head, end, rest = self.waiting.partition(b"\r\n\r\n")
            found = _LENGTH.search(head)
            length = int(found[1]) if found else 0
            if not end or len(rest) < length:
                return
            self.waiting = rest[length:]
            self.hear(head, rest[:length])

    def hear(self, head: bytes, body: bytes) -> None:
        method, path, _ = head.split(b" ", 2)
        if method == b"GET":
            self.answer(json.dumps(heard).encode())
            return
        thing = _THING.search(body)
        heard.append((path.decode(), thing[1].decode() if thing else "", time.time()))
        if path.startswith(b"/slow"):
            asyncio.get_running_loop().call_later(
                SLOW_SECONDS, self.transport.write, _THANKS
            )
        else:
            self.transport.write(_THANKS)

    def answer(self, body: bytes) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
        self.transport.write(head.encode() + body)


async def serve(port: int) -> None:
    """Listen on loopback until the end."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Subscriber, "127.0.0.1", port, backlog=200)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
