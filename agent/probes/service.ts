import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { serviceUrlSchema } from '../../core/address.ts'
import type { Sample } from '../../core/catalog.ts'
import { AppError, messageOf } from '../../core/errors.ts'
import { idSchema } from '../../core/registry.ts'
import { defineProbe, type ProbeContext } from '../probe.ts'
import { check, failedPhases, type Report } from './service/request.ts'

const entry = z.strictObject({
  id: idSchema.describe('Id of the platform.'),
  url: serviceUrlSchema.describe('Page that is asked for; a redirect is an answer and not followed.'),
  expect_status: z
    .array(z.int().min(100).max(599))
    .min(1)
    .optional()
    .describe('HTTP status codes that are right; without it, 200 to 399.'),
  timeout_seconds: z.number().min(0.1).max(60).default(10).describe('Longest time for all phases together.'),
  ca_file: z
    .string()
    .min(1)
    .optional()
    .describe('PEM file of the authority that signed the certificate, in place of the public ones.'),
})
const config = z.strictObject({
  services: z
    .array(entry)
    .min(1)
    .max(64)
    .refine(
      (services) => new Set(services.map(({ id }) => id)).size === services.length,
      'two services have the same id',
    )
    .describe('Platforms that lessons depend on.'),
})
type Service = z.output<typeof entry>

/** More at once would measure each other's handshakes; fewer, and 64 dead ones would outlast the run's deadline. */
const concurrency = 16

export const service = defineProbe({
  type: 'service',
  description: 'One HTTP(S) request to each teaching platform: DNS, connect, TLS, first byte, status, certificate.',
  config,
  // A handshake beside a bandwidth test would look like a slow platform.
  link: 'quiet',
  async run({ services }, context) {
    const authorities = await Promise.all(services.map(readAuthority))
    const jobs = services.map((one, i) => ({ one, ca: authorities[i] }))
    const samples: Sample[] = []
    const work = async () => {
      for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
        samples.push(await measure(job.one, job.ca, context))
        context.signal.throwIfAborted()
      }
    }
    await Promise.all(Array.from({ length: concurrency }, work))
    return samples
  },
})

async function readAuthority({ id, ca_file: file }: Service): Promise<string | undefined> {
  if (file === undefined) return undefined
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new AppError('config_invalid', `Cannot read ca_file ${file} of service ${id}: ${messageOf(cause)}`, { cause })
  }
}

async function measure(
  { id, url, expect_status: expected, timeout_seconds: timeoutSeconds }: Service,
  ca: string | undefined,
  { signal, log, now }: ProbeContext,
): Promise<Sample> {
  const isExpected = (status: number) =>
    expected === undefined ? status >= 200 && status < 400 : expected.includes(status)
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutSeconds * 1000)])
  const report = await check({ url: new URL(url), isExpected, ...(ca !== undefined && { ca }) }, deadline)
  if (report.failed !== 'none')
    log.debug({ service: id, phase: report.failed, reason: report.reason }, 'A platform does not answer as it should.')
  return { measurement: 'service', tags: { service: id }, fields: fieldsOf(report, now()) }
}

function fieldsOf(report: Report, now: number) {
  const { certificateEnd } = report
  return {
    up: report.failed === 'none' ? 1 : 0,
    dns_seconds: report.dnsSeconds ?? null,
    connect_seconds: report.connectSeconds ?? null,
    tls_seconds: report.tlsSeconds ?? null,
    first_byte_seconds: report.firstByteSeconds ?? null,
    total_seconds: report.totalSeconds ?? null,
    status_code: report.status ?? null,
    certificate_left_seconds: certificateEnd === undefined ? null : (certificateEnd - now) / 1000,
    failed_phase: failedPhases[report.failed],
  }
}
