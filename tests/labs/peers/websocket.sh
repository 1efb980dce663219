# shellcheck shell=bash disable=SC2016
# WebSocket, both ends of it in Python, compressed as these agree on.
# Sourced.

websocket_port=8765

websocket_obstacle() { peer_lacks_module websockets; }

websocket_start() {
    cell_start "$1" '/usr/bin/python3 "$2" server 0.0.0.0 "$3"' "$labs/peers/websocket_echo.py" "$websocket_port"
}

websocket_ready() { cell_listens "$websocket_port"; }

websocket_talk() { websocket_client allowed | grep -x 'echo of allowed'; }

websocket_offend() { ! websocket_client forbidden-word; }

websocket_client() {
    peer_client /usr/bin/python3 "$labs/peers/websocket_echo.py" client "ws://$server_v4:$websocket_port/room" "$1"
}

websocket_told() {
    peer_labelled "$websocket_port" "1 websocket within http"
    peer_told "$websocket_port" http '.http | .url == "/room" and .status == 101' "the request that both ends changed by"
    peer_told "$websocket_port" websocket '.websocket | .opcode == "text" and .fin and has("mask")' "what the client says"
    peer_told "$websocket_port" websocket '.websocket | .opcode == "text" and .fin and (has("mask") | not)' \
        "what is answered"
    peer_blocked "$websocket_port" websocket websocket.message
    check "the server was told what is allowed" grep -qx 'was told allowed' "$1/log"
    check_not "and nothing else" grep -q forbidden "$1/log"
}
