/** Listeners of simulated devices, in whichever network namespace this is started: JSON as argument, "ready" when up. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { startResponder } from '../../services/snmp-responder.ts'

export type DevicePlan = {
  host: string
  /** What each port says to whoever connects; empty for nothing. */
  ports: Record<number, string>
  /** sysDescr. */
  snmp?: string
}

const plans = JSON.parse(process.argv[2] ?? '[]') as DevicePlan[]
for (const { host, ports, snmp } of plans) {
  for (const [port, greeting] of Object.entries(ports)) {
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      if (greeting !== '') socket.write(greeting)
    })
    server.listen(Number(port), host)
    await once(server, 'listening')
  }
  if (snmp !== undefined) {
    await startResponder({
      listen: { host, port: 161 },
      tree: () => ({
        '1.3.6.1.2.1.1.1.0': { type: 'string', value: snmp },
        '1.3.6.1.2.1.1.5.0': { type: 'string', value: 'core-1' },
      }),
    })
  }
}
process.stdout.write('ready\n')
