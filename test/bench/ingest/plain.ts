/** A plain mqtt.js counter, for comparison: nothing but receiving. Arguments: port. */
import mqtt from 'mqtt'

let count = 0
const client = mqtt.connect(`mqtt://127.0.0.1:${process.argv[2]}`, {
  protocolVersion: 5,
  properties: { receiveMaximum: 200 },
})
client.on('message', () => {
  count++
})
let connected = false
client.on('connect', () => {
  void client.subscribeAsync('linkbell/v1/+/+/batch/+', { qos: 1 }).then(() => {
    connected = true
  })
})
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.({ batches: count, connected, cpuSeconds: (user + system) / 1e6 })
})
process.on('disconnect', () => process.exit(0))
