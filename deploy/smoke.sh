#!/usr/bin/env bash
# Is what compose.yaml started all there? Run it beside compose.yaml, after the first agent has reported for a minute.
cd "$(dirname "$0")" && . ./.env || exit 2
grafana() { curl -fsS -u "admin:$LINKBELL_GRAFANA_PASSWORD" -H 'Content-Type: application/json' "http://127.0.0.1:3000/api/$1" "${@:2}"; }
failed=0 && check() { if [[ $2 -eq 1 ]]; then echo "ok     $1"; else echo "FAILED $1" && failed=1; fi; }
health=$(curl -fsS -u "admin:$LINKBELL_BOARD_PASSWORD" http://127.0.0.1:8420/api/v1/health)
check collector $([[ $health == *'"ok":true'* && $health != *'"ok":false'* ]] && echo 1 || echo 0)
check 'data source' $(grafana datasources/uid/linkbell/health | grep -ci '"status":"OK"')
check dashboards $([[ $(grafana 'search?tag=linkbell' | grep -o '"uid":"linkbell-[a-z]*-[a-z]*"' | sort -u | wc -l) -eq 5 ]] && echo 1 || echo 0)
check 'alert rules' $([[ $(grafana v1/provisioning/alert-rules | grep -o '"uid":"linkbell-' | wc -l) -eq 17 ]] && echo 1 || echo 0)
query='{"refId":"A","datasource":{"uid":"linkbell"},"expr":"count(last_over_time(agent_uptime_seconds[1h]))","instant":true,"rawQuery":true,"resultFormat":"time_series","query":"SELECT count(\"uptime_seconds\") FROM \"agent\" WHERE $timeFilter"}'
check data $(grafana ds/query -d "{\"from\":\"now-1h\",\"to\":\"now\",\"queries\":[$query]}" | grep -c '"values":\[\[')
exit $failed
