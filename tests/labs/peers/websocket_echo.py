"""An echo over WebSocket: `server HOST PORT` prints each message that it is sent, `client URL MESSAGE` prints the answer."""

import asyncio
import sys

import websockets


async def echo(connection, _path=None):
    async for message in connection:
        print("was told", message, flush=True)
        await connection.send("echo of " + message)


async def serve(host, port):
    async with websockets.serve(echo, host, port):
        await asyncio.Future()


async def ask(url, message):
    async with websockets.connect(url) as connection:
        await connection.send(message)
        print(await connection.recv())


if sys.argv[1] == "server":
    asyncio.run(serve(sys.argv[2], int(sys.argv[3])))
else:
    asyncio.run(ask(sys.argv[2], sys.argv[3]))
