/** A LibreSpeed server that is not ours: no leases, no pace, no count of what it received. Listens on its first argument. */
import { randomBytes } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'

const chunk = randomBytes(2 ** 20)

function send(response: ServerResponse, chunks: number): void {
  let left = chunks
  const more = () => {
    while (left > 0 && !response.destroyed) {
      left -= 1
      if (!response.write(chunk)) return void response.once('drain', more)
    }
    response.end()
  }
  response.on('error', () => {})
  more()
}

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://foreign')
  request.on('error', () => {})
  if (pathname === '/garbage.php') return send(response, Number(searchParams.get('ckSize') ?? 4))
  request.resume().on('end', () => response.writeHead(pathname === '/empty.php' ? 200 : 404).end())
})
server.listen(Number(process.argv[2]), '0.0.0.0', () => process.send?.({ ready: true }))
process.on('disconnect', () => process.exit(0))
