/**
 * The page's files, from the installation itself. Its TypeScript is sent with the types taken out, so that what the
 * browser runs stands line by line as it is written here. Everything is read once, when first asked for.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createRequire, stripTypeScriptTypes } from 'node:module'
import { extname, join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { HttpError } from './route.ts'

const repository = join(import.meta.dirname, '..', '..')
const page = join(import.meta.dirname, 'page')

/** Modules beside those of the page that it imports; no other file can be asked for. */
const sharedModules = [
  'collector/board/strings.ts',
  'collector/board/strings-terminals.ts',
  'collector/board/strings-alerts.ts',
  'collector/board/strings-reports.ts',
  'core/catalog.ts',
]

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.js': 'text/javascript; charset=utf-8',
  '.ts': 'text/javascript; charset=utf-8',
}

type Asset = { body: string; type: string; tag: string }

export function addAssets(app: FastifyInstance): void {
  const kept = new Map<string, Promise<Asset>>()
  const serve = (route: string, fileOf: (name: string) => string) =>
    app.get<{ Params: { '*'?: string } }>(route, async (request, reply) => {
      const file = fileOf(request.params['*'] ?? '')
      let asset = kept.get(file)
      if (asset === undefined) {
        asset = load(file)
        kept.set(file, asset)
        // Names of files that do not exist are not remembered: there is no end of them.
        asset.catch(() => kept.delete(file))
      }
      const { body, type, tag } = await asset
      // Always asked for, seldom sent: a new version of the collector is a new page at once.
      reply.headers({ 'cache-control': 'no-cache', etag: tag }).type(type)
      return request.headers['if-none-match'] === tag ? reply.code(304).send() : reply.send(body)
    })
  serve('/', () => join(page, 'index.html'))
  for (const name of ['base.css', 'views.css', 'terminals.css', 'icon.svg']) serve(`/${name}`, () => join(page, name))
  serve('/echarts.js', () => createRequire(import.meta.url).resolve('echarts/dist/echarts.common.min.js'))
  serve('/m/*', moduleFile)
}

function moduleFile(name: string): string {
  if (!sharedModules.includes(name) && !/^collector\/board\/page\/[a-z-]+\.ts$/.test(name)) {
    throw new HttpError(404, 'not_found', `The page has no module ${name.slice(0, 100)}.`)
  }
  return join(repository, name)
}

async function load(file: string): Promise<Asset> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new HttpError(404, 'not_found', 'The page has no such file.')
  })
  const extension = extname(file)
  const body = extension === '.ts' ? stripTypeScriptTypes(text) : text
  const tag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
  return { body, type: types[extension] ?? 'application/octet-stream', tag }
}
