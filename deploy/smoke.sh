#!/usr/bin/env bash
# Is what compose.yaml started all there? Run it beside compose.yaml, after the first agent has reported for a minute.
set -euo pipefail
cd "$(dirname "$0")" && . ./.env
grafana() { curl -fsS -u "admin:$LINKBELL_GRAFANA_PASSWORD" -H 'Content-Type: application/json' "http://127.0.0.1:3000/api/$1" "${@:2}"; }
curl -fsS -u "admin:$LINKBELL_BOARD_PASSWORD" http://127.0.0.1:8420/api/v1/health | grep -q '"ok":true' && echo 'collector ok'
grafana datasources/uid/linkbell/health | grep -qi '"status":"OK"' && echo 'data source ok'
[[ $(grafana 'search?tag=linkbell' | grep -o '"uid":"linkbell-' | wc -l) -eq 5 ]] && echo 'dashboards ok'
[[ $(grafana v1/provisioning/alert-rules | grep -o '"uid":"linkbell-' | wc -l) -eq 17 ]] && echo 'alert rules ok'
query='{"refId":"A","datasource":{"uid":"linkbell"},"expr":"count(last_over_time(agent_uptime_seconds[1h]))","instant":true,"rawQuery":true,"resultFormat":"time_series","query":"SELECT count(\"uptime_seconds\") FROM \"agent\" WHERE $timeFilter"}'
grafana ds/query -d "{\"from\":\"now-1h\",\"to\":\"now\",\"queries\":[$query]}" | grep -q '"values":\[\[' && echo 'data ok'
