# shellcheck shell=bash disable=SC2016
# gRPC, both ends of it in Python.
# Sourced.

grpc_port=15051

grpc_obstacle() { peer_lacks_module grpc; }

grpc_start() { cell_start "$1" '/usr/bin/python3 "$2" server "0.0.0.0:$3"' "$labs/peers/grpc_echo.py" "$grpc_port"; }

grpc_ready() { cell_listens "$grpc_port"; }

grpc_talk() { grpc_client allowed | grep -x 'echo of allowed'; }

grpc_offend() { ! grpc_client forbidden-word; }

grpc_client() { peer_client /usr/bin/python3 "$labs/peers/grpc_echo.py" client "$server_v4:$grpc_port" "$1"; }

grpc_told() {
    peer_labelled "$grpc_port" "1 grpc"
    peer_told "$grpc_port" grpc '.grpc | .service == "peers.Echo" and .method == "Say" and .status == 0
        and .request == { messages: 1, bytes: 7 } and .response == { messages: 1, bytes: 15 }' \
        "the service, its method, and the messages of both ends"
    peer_told "$grpc_port" http '.http | .url == "/peers.Echo/Say" and .http_content_type == "application/grpc"' \
        "the request that carries them"
    peer_blocked "$grpc_port" grpc grpc.message
    check "the server was told what is allowed" grep -qx 'was told allowed' "$1/log"
    check_not "and nothing else" grep -q forbidden "$1/log"
}
