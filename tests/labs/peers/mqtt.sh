# shellcheck shell=bash disable=SC2016
# Mosquitto, driven by its own clients in versions 3.1.1 and 5.
# Sourced.

mqtt_port=11883

mqtt_obstacle() { peer_lacks mosquitto mosquitto_pub mosquitto_sub; }

mqtt_start() {
    printf 'listener %s 0.0.0.0\nallow_anonymous true\npersistence false\nuser nobody\nlog_type all\n' "$mqtt_port" \
        >"$1/mosquitto.conf"
    cell_start "$1" 'mosquitto -c "$1/mosquitto.conf"'
}

mqtt_ready() { cell_listens "$mqtt_port"; }

# What is retained, a subscriber that comes later is told.
mqtt_talk() {
    local version
    for version in mqttv311 mqttv5; do
        mqtt_client mosquitto_pub -V "$version" -i "lab-$version" -u peer -P hidden-password -q 1 -r \
            -t "notes/$version" -m allowed || return
        mqtt_client mosquitto_sub -V "$version" -C 1 -W 10 -t "notes/$version" | grep -x allowed || return
    done
}

mqtt_offend() { ! mqtt_client mosquitto_pub -q 1 -r -t notes/victim -m forbidden-word; }

mqtt_client() { timeout 10 nsenter --net="$(lab_netns client)" "$1" -h "$server_v4" -p "$mqtt_port" "${@:2}"; }

mqtt_told() {
    peer_labelled "$mqtt_port" "4 mqtt"
    peer_told "$mqtt_port" mqtt '.mqtt.connect | .protocol_version == 4 and .client_id == "lab-mqttv311" and .username == "peer"' \
        "who the client is, in version 3.1.1"
    peer_told "$mqtt_port" mqtt '.mqtt.connect | .protocol_version == 5 and .client_id == "lab-mqttv5"' "and in version 5"
    peer_told "$mqtt_port" mqtt '.mqtt.publish | .topic == "notes/mqttv311" and .message == "allowed" and .qos == 1 and .retain' \
        "what it says, in version 3.1.1"
    peer_told "$mqtt_port" mqtt '.mqtt.publish | .topic == "notes/mqttv5" and .message == "allowed"' "and in version 5"
    peer_told "$mqtt_port" mqtt '.mqtt.subscribe.topics[0].topic == "notes/mqttv5"' "what it wants to hear of"
    peer_untold "$mqtt_port" hidden-password "no password"
    peer_blocked "$mqtt_port" mqtt mq.message
    check_equal "the server has what is allowed, and nothing else" "$(mqtt_notes)" "notes/mqttv311 allowed,notes/mqttv5 allowed"
}

# All that is retained.
mqtt_notes() {
    in_ns server mosquitto_sub -h "$server_v4" -p "$mqtt_port" -v -W 3 -t 'notes/#' 2>/dev/null | sort | paste -sd ,
}
