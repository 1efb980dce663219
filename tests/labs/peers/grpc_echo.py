"""An echo over gRPC: `server ADDRESS` prints each message that it is sent, `client ADDRESS MESSAGE` prints the answer."""

import sys
from concurrent import futures

import grpc

SERVICE, METHOD = "peers.Echo", "Say"


def say(message, _context):
    print("was told", message.decode(), flush=True)
    return b"echo of " + message


def serve(address):
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=2))
    handler = grpc.method_handlers_generic_handler(SERVICE, {METHOD: grpc.unary_unary_rpc_method_handler(say)})
    server.add_generic_rpc_handlers((handler,))
    server.add_insecure_port(address)
    server.start()
    server.wait_for_termination()


def ask(address, message):
    # No proxy of the environment is to be asked.
    with grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        call = channel.unary_unary(f"/{SERVICE}/{METHOD}")
        print(call(message.encode(), timeout=10).decode())


if sys.argv[1] == "server":
    serve(sys.argv[2])
else:
    ask(sys.argv[2], sys.argv[3])
