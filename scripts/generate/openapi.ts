/** docs/openapi.json: the API for other systems, from the table of routes. */
import { routes } from '../../collector/board/api/routes.ts'
import { openApiOf } from '../../collector/board/openapi.ts'

export async function outputs(): Promise<Map<string, string>> {
  return new Map([['docs/openapi.json', `${JSON.stringify(openApiOf(routes), null, 2)}\n`]])
}
