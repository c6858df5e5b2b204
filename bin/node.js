// `node bin/node.js SCRIPT ARGS`: a script of this repository under a Node that can run it; what npm's scripts start with.
import { resolve } from 'path'
import { pathToFileURL } from 'url'
import { withRuntime } from './runtime.js'

withRuntime(() => {
  process.argv.splice(1, 2, resolve(process.argv[2]))
  void import(pathToFileURL(process.argv[1]).href)
})
