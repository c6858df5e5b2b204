/**
 * The delay relay of the lab: UDP datagrams (VXLAN) of one side reach the other after a while.
 * Arguments: port, own address and peer of one side, own address and peer of the other, one-way delay in ms.
 */
import { createSocket, type Socket } from 'node:dgram'

const [port = '', nearOwn = '', nearPeer = '', farOwn = '', farPeer = '', delayMs = ''] = process.argv.slice(2)
const delay = Number(delayMs)
/** What the kernel may keep for a relay that is scheduled late; what is lost here looks like loss on the line. */
const bufferBytes = 4 * 1024 * 1024
/** A queue longer than this is a line that was asked to carry more than the relay can. */
const maxQueued = 20_000

function bind(address: string): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    socket.bind(Number(port), address, () => {
      socket.setRecvBufferSize(bufferBytes)
      socket.setSendBufferSize(bufferBytes)
      resolve(socket)
    })
  })
}

type Queue = { due: number[]; packets: Buffer[]; head: number; send: (packet: Buffer) => void }
const queues: Queue[] = []

function forward(from: Socket, to: Socket, peer: string): void {
  const queue: Queue = { due: [], packets: [], head: 0, send: (packet) => to.send(packet, Number(port), peer) }
  queues.push(queue)
  from.on('message', (packet) => {
    if (queue.packets.length - queue.head >= maxQueued) return
    queue.due.push(performance.now() + delay)
    queue.packets.push(packet)
  })
}

/** Sends what is due. A timer of 1 ms adds half of that on average, which the round trip that is measured shows. */
function flush(): void {
  const time = performance.now()
  for (const queue of queues) {
    while (queue.head < queue.packets.length && (queue.due[queue.head] as number) <= time) {
      queue.send(queue.packets[queue.head] as Buffer)
      queue.head += 1
    }
    if (queue.head > 1000) {
      queue.due.splice(0, queue.head)
      queue.packets.splice(0, queue.head)
      queue.head = 0
    }
  }
}

const near = await bind(nearOwn)
const far = await bind(farOwn)
forward(near, far, farPeer)
forward(far, near, nearPeer)
setInterval(flush, 1)
process.stdout.write('ready\n')
