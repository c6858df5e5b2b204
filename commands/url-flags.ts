/** Addresses given as flags, checked as those in files are. They throw `config_invalid` with the flag. */
import type { z } from 'zod'
import { serviceUrlSchema, testpointUrlSchema } from '../core/address.ts'
import { AppError } from '../core/errors.ts'

export function checkTestpoint<T extends string | undefined>(url: T): T {
  if (url !== undefined) check('--testpoint', url, testpointUrlSchema)
  return url
}

export function checkServices(urls: string[]): string[] {
  for (const url of urls) check('--service', url, serviceUrlSchema)
  return urls
}

function check(flag: string, url: string, schema: z.ZodType): void {
  const problem = schema.safeParse(url).error?.issues[0]?.message
  if (problem !== undefined) throw new AppError('config_invalid', `${flag}: ${problem}.`)
}
