#!/bin/sh
# Goes through a WHIP session with curl alone, to see that a gateway can be reached and lets one in: POST an offer, look at the session, end it
# with DELETE. No media flows.
#
#   session.sh http://localhost:8080/whip/live
#
# TOKEN=…  the bearer token, when the gateway wants one
set -eu

url=${1:?the WHIP address, for example http://localhost:8080/whip/live}
here=$(cd "$(dirname "$0")" && pwd)
headers=$(mktemp)
trap 'rm -f "$headers"' EXIT

request() { curl --silent --show-error --fail-with-body ${TOKEN:+--header "Authorization: Bearer $TOKEN"} "$@"; }

# Lines of SDP end with CR and LF.
answer=$(sed 's/$/\r/' "$here/offer.sdp" | request --dump-header "$headers" --header 'Content-Type: application/sdp' --data-binary @- "$url")
session=$(tr -d '\r' <"$headers" | sed -n 's/^[Ll]ocation: //p')

printf 'answer:\n%s\n\nsession: %s\n' "$answer" "$session"
request --output /dev/null --write-out 'GET:     %{http_code}\n' "$session"
request --output /dev/null --write-out 'DELETE:  %{http_code}\n' --request DELETE "$session"
