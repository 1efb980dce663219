# shellcheck shell=bash disable=SC2034 # Not every lab uses every number.
# Pages for the site of a lab: text that means no harm, with numbers at exact offsets.
# Sourced.

# Published test numbers, which pass the checksum of card numbers; and one that differs in its last digit.
card=4111111111111111 other_card=5555555555554444 no_card=4111111111111112
# Bytes of data in a full TCP segment with timestamps, at an MTU of 1500.
segment_bytes_v4=1448 segment_bytes_v6=1428

# Prints $1 bytes of text in which no rule finds anything.
text_of() {
    local line='Nothing in this line needs to be kept back by anyone.' bytes=$1
    awk -v line="$line" -v bytes="$bytes" 'BEGIN {
        for (; bytes > length(line); bytes -= length(line) + 1) print line
        printf "%s", substr(line, 1, bytes)
    }'
}

# page_with OFFSET NUMBER...: prints a page of text in which the first number stands at that offset.
page_with() {
    text_of "$(($1 - 1))"
    shift
    printf "\n%s" "$@"
    echo
    text_of 20000
}

# offset_split_at FROM DIGITS HEADER_BYTES SEGMENT_BYTES: the first offset in a page, from FROM on, at which a
# number stands so that a segment ends after that many of its digits.
offset_split_at() {
    local from=$1 digits=$2 header_bytes=$3 segment_bytes=$4
    echo $((from + segment_bytes - (from + header_bytes + digits) % segment_bytes))
}
