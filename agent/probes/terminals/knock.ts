/** A second opinion by TCP: whoever takes a connection, or refuses it, is on. */
import { connect } from 'node:net'
import { inPool } from '../../pool.ts'

/** Addresses at a time, each with up to four ports: far from the 1024 open files that many systems allow. */
const addressesAtOnce = 64
/** The other side's own answer; that of a router on the way would be EHOSTUNREACH. */
const proofs: readonly unknown[] = ['ECONNREFUSED', 'ECONNRESET']

/** Seconds until the first port of an address answered; of those where one did. Throws when it is stopped. */
export async function knockAll(
  ports: ReadonlyMap<string, ReadonlySet<number>>,
  timeoutSeconds: number,
  signal: AbortSignal,
): Promise<Map<string, number>> {
  const answered = new Map<string, number>()
  await inPool([...ports], addressesAtOnce, async ([address, each]) => {
    signal.throwIfAborted()
    const seconds = await knock(
      address,
      [...each],
      AbortSignal.any([signal, AbortSignal.timeout(timeoutSeconds * 1000)]),
    )
    if (seconds !== undefined) answered.set(address, seconds)
  })
  signal.throwIfAborted()
  return answered
}

async function knock(address: string, ports: readonly number[], end: AbortSignal): Promise<number | undefined> {
  const started = performance.now()
  const sockets = ports.map((port) => connect({ host: address, port }))
  const { promise, resolve } = Promise.withResolvers<number | undefined>()
  const proved = () => resolve((performance.now() - started) / 1000)
  const giveUp = () => resolve(undefined)
  end.addEventListener('abort', giveUp, { once: true })
  let open = sockets.length
  for (const socket of sockets) {
    socket.once('connect', proved)
    socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      if (proofs.includes(code)) proved()
      else if (--open === 0) giveUp()
    })
  }
  const seconds = await promise
  end.removeEventListener('abort', giveUp)
  for (const socket of sockets) socket.destroy()
  return seconds
}
