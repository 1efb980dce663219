# shellcheck shell=bash disable=SC2016
# ZooKeeper, driven by zkCli.
# Sourced.

zookeeper_port=12999

zookeeper_obstacle() { peer_lacks java /usr/share/zookeeper/bin/zkCli.sh; }

zookeeper_start() {
    cat >"$1/zoo.cfg" <<CONFIG
tickTime=2000
dataDir=$1/data
clientPort=$zookeeper_port
admin.enableServer=false
CONFIG
    cell_start "$1" 'java -Xmx64m "-Dzookeeper.log.dir=$1" -cp /etc/zookeeper/conf:/usr/share/java/zookeeper.jar \
        org.apache.zookeeper.server.ZooKeeperServerMain "$1/zoo.cfg"'
}

zookeeper_ready() { cell_listens "$zookeeper_port"; }

zookeeper_talk() { printf 'create /notes allowed\nget /notes\nls /\nquit\n' | zookeeper_client client | grep -x allowed; }

# Its client would try for ever.
zookeeper_offend() { ! zookeeper_client client create /forbidden-word text 2>&1 | grep Created; }

# zookeeper_client END ARGUMENT...: from one end of the lab.
zookeeper_client() {
    CLIENT_JVMFLAGS=-Xmx64m ZOO_LOG_DIR=$dir timeout 15 nsenter --net="$(lab_netns "$1")" \
        /usr/share/zookeeper/bin/zkCli.sh -server "$server_v4:$zookeeper_port" "${@:2}"
}

zookeeper_told() {
    peer_labelled "$zookeeper_port" "1 zookeeper"
    peer_told "$zookeeper_port" zookeeper '.zookeeper | .operation == "connect" and .granted_timeout_ms > 0' "a session"
    peer_told "$zookeeper_port" zookeeper '.zookeeper | .operation == "create" and .paths == ["/notes"]' "what is made"
    peer_told "$zookeeper_port" zookeeper '.zookeeper | .operation == "getData" and .paths == ["/notes"]' "what is read"
    peer_blocked "$zookeeper_port" zookeeper mq.topic
    check_equal "the server has what is allowed, and nothing else" \
        "$(zookeeper_client server ls / 2>/dev/null | grep '^\[')" "[notes, zookeeper]"
}
