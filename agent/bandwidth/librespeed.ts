/** LibreSpeed as client: any LibreSpeed server, and the leases of our own testpoint beside it. */
import { randomBytes } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { AppError, messageOf } from '../../core/errors.ts'
import { type About, aboutOf } from './about.ts'
import type { TestpointTarget } from './config.ts'
import { createPieceCurve, createProgressCurve, type Mark, type ProgressCurve } from './curve.ts'
import { readBody } from './download.ts'
import { createAgent, exchange, type HttpAnswer, type Peer, resetAll, hostOf } from './http.ts'
import { admit, type LeaseProgress, readProgress } from './lease.ts'
import { interfaceOf, isOwnAddress } from './local.ts'
import type { Session, TestpointStrain } from './session.ts'
import { startEndlessUpload } from './upload.ts'
import { createBrake, createBudget, now, runTransfer, type Transfer, type TransferOptions } from './transfer.ts'

type Server = Peer & { id: string; uploadPath: string; downloadPath: string }

const answerTimeoutMs = 5000
const chunkBytes = 1_048_576
const maxChunks = 1024
const maxReadBytes = 256 * 1024
/** At a pace all streams together read this often, so that bins of a tenth of a second see an even rate. */
const readSeconds = 0.01
const minReadBytes = 8 * 1024
/** Of what was asked for; a server that sends less shows how fast it opens connections, not what the line carries. */
const leastBodyRatio = 0.1
/** What one read of every stream may add beyond a cap, as a share of it. */
const overshootRatio = 0.02
const minPostBytes = 16 * 1024
/** Round trips of the last half second or so. */
const recentLags = 8
const maxPostBytes = 8 * 1024 * 1024
/** Where LibreSpeed servers of different make keep their endpoints. */
const pathForms = ['empty.php', 'backend/empty.php', 'empty', 'backend/empty']

/** Finds out how a LibreSpeed testpoint is reached. Throws `testpoint_failed` with what it answered instead. */
export async function openLibreSpeed(testpoint: TestpointTarget, signal: AbortSignal): Promise<Session> {
  const { id } = testpoint
  const url = new URL(testpoint.url)
  const fail = (reason: string, cause?: unknown) =>
    new AppError('testpoint_failed', `Testpoint ${id} (${testpoint.url}) ${reason}.`, { cause, testpoint: id })
  const agent = createAgent(url, 1)
  try {
    const { address } = await lookup(hostOf(url))
    const peer = { url, address, port: Number(url.port || (url.protocol === 'https:' ? 443 : 80)) }
    const ask = (path: string) =>
      exchange(peer, { path, agent, signal: AbortSignal.any([signal, AbortSignal.timeout(answerTimeoutMs)]) })
    const base = url.pathname.replace(/\/*$/, '/')
    let last: HttpAnswer | undefined
    for (const form of pathForms) {
      last = await ask(base + form)
      // Pages that answer everything with 200 and a text are no testpoint: `empty` is empty.
      if (last.status !== 200 || last.bytes > 0) continue
      const server = { ...peer, id, uploadPath: base + form, downloadPath: base + form.replace('empty', 'garbage') }
      return createSession(server, last.localAddress, aboutOf(await ask(base)))
    }
    throw fail(`does not speak LibreSpeed: it answered ${last?.status} ${last?.contentType}; check its url`)
  } catch (error) {
    if (error instanceof AppError || signal.aborted) throw error
    throw fail(`cannot be reached: ${messageOf(error)}`, error)
  } finally {
    agent.destroy()
  }
}

function createSession(server: Server, localAddress: string, about: About): Session {
  const agent = createAgent(server.url, 2)
  let progress: { leaseId: string; curve: ProgressCurve; said: LeaseProgress[]; lags: number[] } | undefined
  return {
    id: server.id,
    address: server.address,
    interface: interfaceOf(localAddress),
    self: isOwnAddress(server.address),
    ...about,
    admit: (wish) => (about.capacityBps === undefined ? Promise.resolve(undefined) : admit(server, wish)),
    async ping(signal) {
      const asked = now()
      if (progress === undefined) {
        await exchange(server, { path: `${server.uploadPath}?r=${Math.random()}`, agent, signal })
        return now() - asked
      }
      // Our own testpoint tells in the same breath what it has received.
      const said = await readProgress(server, progress.leaseId, { agent, signal })
      progress.said.push(said)
      const answered = now()
      progress.curve.add(said.seconds, said.receivedBytes, asked, answered)
      progress.lags = [...progress.lags.slice(1 - recentLags), answered - asked]
      return answered - asked
    },
    pingGapMs: 15,
    start(direction, options) {
      if (options.leaseId !== undefined)
        progress = { leaseId: options.leaseId, curve: createProgressCurve(), said: [], lags: [] }
      if (direction === 'up') {
        if (progress === undefined) return startUpload(server, options)
        const upload = progress
        const path = `${server.uploadPath}?r=${Math.random()}${leaseQuery(options)}`
        const told = () => upload.curve.marks()
        const lagSeconds = () => Math.max(0, ...upload.lags)
        return startEndlessUpload({ name: nameOf(server), peer: server, path, told, lagSeconds }, options)
      }
      return startDownload(server, options)
    },
    strain: () => strainOf(progress?.said ?? []),
    close: () => agent.destroy(),
  }
}

function strainOf(said: readonly LeaseProgress[]): TestpointStrain {
  const [first, last] = [said[0], said.at(-1)]
  if (first?.waitedSeconds == null || last?.waitedSeconds == null || first === last)
    return { testpointWaitedRatio: null }
  return { testpointWaitedRatio: (last.waitedSeconds - first.waitedSeconds) / (last.seconds - first.seconds) }
}

/** Several long downloads at a time. */
function startDownload(server: Server, options: TransferOptions): Transfer {
  const { streams, maxBytes, deadlineSeconds, paceBps } = options
  const marks: Mark[] = []
  let received = 0
  let waited = 0
  const chunks = Math.min(maxChunks, Math.ceil(maxBytes / streams / chunkBytes) + 1)
  const mayGoOn = () => received < maxBytes && now() < deadlineSeconds
  const pacedBytes = paceBps === undefined ? maxReadBytes : Math.max(minReadBytes, (paceBps / 8) * readSeconds)
  const readBytes = Math.min(maxReadBytes, pacedBytes, (maxBytes * overshootRatio) / streams)
  const buffer = Buffer.allocUnsafe(Math.ceil(readBytes))
  const brake = createBrake(paceBps)
  const query = leaseQuery(options)
  return runTransfer(nameOf(server), options, {
    marks() {
      marks.push({ seconds: now(), bytes: received })
      return marks
    },
    usedBytes: () => received,
    backlogRatio: () => (received > 0 ? waited / received : 0),
    mayGoOn,
    step: (_stream, signal) =>
      readBody(server, {
        path: `${server.downloadPath}?r=${Math.random()}&ckSize=${chunks}${query}`,
        leastBytes: leastBodyRatio * chunks * chunkBytes,
        buffer,
        signal,
        count(bytes) {
          received += bytes
          if (!mayGoOn()) return undefined
          const waitMs = brake(bytes)
          // What was left to wait has not waited for this process.
          if (bytes === buffer.length && waitMs <= 0) waited += bytes
          return waitMs
        },
      }),
  })
}

/** Several chains of POSTs, for any other server. Only what it has answered counts: the kernel's send buffers prove nothing. */
function startUpload(server: Server, options: TransferOptions): Transfer {
  const { streams, inFlightBytes } = options
  const postBytes = Math.round(Math.min(maxPostBytes, Math.max(minPostBytes, inFlightBytes / streams)))
  const agent = createAgent(server.url, streams)
  const body = randomBytes(postBytes)
  const pieces = createPieceCurve(streams, now())
  const budget = createBudget(options, postBytes)
  return runTransfer(nameOf(server), options, {
    marks: pieces.marks,
    usedBytes: budget.startedBytes,
    mayGoOn: budget.mayStart,
    async step(stream, signal) {
      await budget.start(signal)
      const started = now()
      const path = `${server.uploadPath}?r=${Math.random()}`
      const answer = await exchange(server, { method: 'POST', path, body, agent, signal })
      if (answer.status < 200 || answer.status > 299)
        throw new Error(`it answered ${answer.status} to a POST of ${postBytes} bytes`)
      if (answer.bytes > 0) throw new Error('it answered a POST with a page of its own')
      pieces.add(stream, started, now(), postBytes)
    },
    end: () => resetAll(agent),
  })
}

function leaseQuery({ leaseId }: TransferOptions): string {
  return leaseId === undefined ? '' : `&lease=${leaseId}`
}

function nameOf({ id, url }: Server): string {
  return `Testpoint ${id} (${url.origin})`
}
