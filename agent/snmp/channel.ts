/**
 * UDP sockets, each shared by a few sessions. A session sees only what its own device sends, and nothing that a device
 * sends can throw into the event loop: net-snmp parses within the socket's event.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { EventEmitter } from 'node:events'
import { isIP } from 'node:net'

/** One response each fits many times into the receive buffer that Linux gives (208 KiB). */
const sessionsPerSocket = 8

export type Transport = 'udp4' | 'udp6'
type Shared = { socket: Socket; channels: Set<Channel> }
export type Sockets = {
  open: (address: string, port: number) => Channel
  /** UDP sockets that are open. */
  count: () => number
  close: () => void
}

export function createSockets(): Sockets {
  const all = new Set<Shared>()

  function bind(transport: Transport): Shared {
    const shared: Shared = { socket: createSocket(transport), channels: new Set() }
    const { socket, channels } = shared
    socket.on('message', (message, remote) => {
      for (const channel of channels) channel.take(message, remote)
    })
    // Linux tells of an ICMP refusal only on a connected socket; what else fails shows as a timeout.
    socket.on('error', () => {})
    all.add(shared)
    return shared
  }
  const release = (shared: Shared) => {
    if (all.delete(shared)) shared.socket.close()
  }

  return {
    open(address, port) {
      const transport = transportOf(address)
      const free = [...all].find(
        (one) => one.channels.size < sessionsPerSocket && [...one.channels].every((c) => c.transport === transport),
      )
      const shared = free ?? bind(transport)
      const channel = new Channel(shared.socket, { address, port, transport }, () => {
        shared.channels.delete(channel)
        if (shared.channels.size === 0) release(shared)
      })
      shared.channels.add(channel)
      return channel
    },
    count: () => all.size,
    close() {
      for (const shared of [...all]) release(shared)
    },
  }
}

export function transportOf(address: string): Transport {
  return isIP(address) === 6 ? 'udp6' : 'udp4'
}

/** Looks to net-snmp like a socket of its own. */
export class Channel extends EventEmitter {
  readonly transport: Transport
  /** Datagrams from the device, and how many of them were no SNMP. */
  received = 0
  garbled = 0
  readonly #socket: Socket
  readonly #address: string
  readonly #port: number
  readonly #onClose: () => void
  #closed = false

  constructor(
    socket: Socket,
    { address, port, transport }: { address: string; port: number; transport: Transport },
    onClose: () => void,
  ) {
    super()
    this.#socket = socket
    this.#address = address
    this.#port = port
    this.transport = transport
    this.#onClose = onClose
  }

  take(message: Buffer, { address, port }: RemoteInfo): void {
    // A scoped IPv6 address comes back with its zone.
    if (port !== this.#port || address.split('%')[0] !== this.#address.split('%')[0]) return
    this.received++
    try {
      this.emit('message', message)
    } catch {
      this.garbled++
    }
  }

  send(
    buffer: Buffer,
    offset: number,
    length: number,
    port: number,
    address: string,
    done: (error: Error | null, bytes: number) => void,
  ): void {
    if (this.#closed) return
    this.#socket.send(buffer, offset, length, port, address, done)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.emit('close')
    this.#onClose()
  }

  // A run is always awaited: its sockets hold the process, as any work does.
  ref(): void {}
  unref(): void {}
}
