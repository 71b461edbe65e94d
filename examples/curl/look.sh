#!/bin/sh
# Asks a WHIP or WHEP address what it is: allowed methods, media types and, with a token, the ICE servers to use. Makes no session.
#
#   look.sh http://localhost:8080/whip/live
#
# TOKEN=…  the bearer token, when the gateway wants one
set -eu

url=${1:?the WHIP or WHEP address, for example http://localhost:8080/whip/live}

exec curl --silent --show-error --fail-with-body --include --request OPTIONS ${TOKEN:+--header "Authorization: Bearer $TOKEN"} "$url"
