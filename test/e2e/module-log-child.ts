/** Given to a program with --import: writes down every module that it loads. */
import { appendFileSync } from 'node:fs'
import { registerHooks } from 'node:module'

const file = process.env['LINKBELL_MODULE_LOG']
registerHooks({
  load: (url, context, next) => {
    if (file !== undefined) appendFileSync(file, `${url}\n`)
    return next(url, context)
  },
})
