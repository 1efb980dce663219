# shellcheck shell=bash disable=SC2016
# RabbitMQ, driven by amqp-tools, and by lines over STOMP.
# Sourced.

amqp_port=5999 stomp_port=6199

amqp_obstacle() { peer_lacks /usr/lib/rabbitmq/bin/rabbitmq-server amqp-declare-queue amqp-publish amqp-get; }

amqp_start() {
    cat >"$1/rabbitmq.conf" <<CONFIG
listeners.tcp.1 = 0.0.0.0:$amqp_port
stomp.listeners.tcp.1 = 0.0.0.0:$stomp_port
loopback_users = none
log.console = true
CONFIG
    echo '[rabbitmq_stomp].' >"$1/plugins"
    cell_start "$1" '
        export HOME=$1 RABBITMQ_NODENAME=peers@localhost RABBITMQ_CONFIG_FILE=$1/rabbitmq.conf RABBITMQ_MNESIA_BASE=$1 \
            RABBITMQ_LOG_BASE=$1 RABBITMQ_ENABLED_PLUGINS_FILE=$1/plugins RABBITMQ_PID_FILE=$1/pid \
            RABBITMQ_GENERATED_CONFIG_DIR=$1/generated
        /usr/lib/rabbitmq/bin/rabbitmq-server'
}

amqp_ready() { cell_listens "$amqp_port" && cell_listens "$stomp_port"; }

amqp_talk() {
    amqp_client amqp-declare-queue -q jobs || return
    amqp_client amqp-publish -r jobs -b allowed || return
    amqp_client amqp-get -q jobs | grep -x allowed || return
    stomp_client allowed | grep -a 'receipt-id:1'
}

# A message that is published is not answered: what became of it, the server knows.
amqp_offend() {
    amqp_client amqp-publish -r jobs -b forbidden-word || true
    ! stomp_client forbidden-word | grep -a 'receipt-id:1'
}

amqp_client() {
    local tool=$1
    shift
    peer_client "$tool" --url="amqp://guest:guest@$server_v4:$amqp_port" "$@"
}

# stomp_client MESSAGE: sends it to a queue, with a receipt that it waits for.
stomp_client() {
    peer_client bash -c 'exec 3<>"/dev/tcp/$1/$2"
        printf "CONNECT\naccept-version:1.2\nhost:/\nlogin:guest\npasscode:guest\n\n\0" >&3
        printf "SEND\ndestination:/queue/notes\nreceipt:1\n\n$3\0" >&3
        sed -u "/^receipt-id:1/q" <&3' stomp "$server_v4" "$stomp_port" "$1"
}

amqp_told() {
    peer_labelled "$amqp_port" "3 amqp"
    peer_told "$amqp_port" amqp '.amqp | .method == "connection.start-ok" and .user == "guest"' "who the client is"
    peer_told "$amqp_port" amqp '.amqp | .method == "queue.declare" and .queue == "jobs"' "the queue"
    peer_told "$amqp_port" amqp '.amqp | .method == "basic.publish" and .routing_key == "jobs" and .message_bytes == 7' \
        "what it says"
    peer_told "$amqp_port" amqp '.amqp | .method == "basic.get-ok" and .message_bytes == 7' "what it hears"
    peer_blocked "$amqp_port" amqp mq.message
    peer_labelled "$stomp_port" "1 stomp"
    peer_told "$stomp_port" stomp '.stomp | .command == "CONNECT" and .login == "guest"' "who the other client is"
    peer_told "$stomp_port" stomp '.stomp | .command == "SEND" and .destination == "/queue/notes" and .message_bytes == 7' \
        "what it says"
    peer_blocked "$stomp_port" stomp mq.message
    check_equal "no job is left" "$(in_ns server amqp-get --url="amqp://guest:guest@$server_v4:$amqp_port" -q jobs)" ""
    check_equal "of the notes there is what is allowed" \
        "$(in_ns server amqp-get --url="amqp://guest:guest@$server_v4:$amqp_port" -q notes)" allowed
    check_equal "and nothing else" "$(in_ns server amqp-get --url="amqp://guest:guest@$server_v4:$amqp_port" -q notes)" ""
}
