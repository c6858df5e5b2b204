#!/usr/bin/env node
// The command: cli.ts under a Node that can run it. In this very process where possible: a parent that only waits would
// cost some 45 MB.
import module from 'module'
import { join } from 'path'
import v8 from 'v8'
import { root, withRuntime } from './runtime.js'

withRuntime(() => {
  // A gateway has little memory: a heap that is kept small (5 MB less, 30 after bandwidth tests), and never V8's last
  // compiler, whose own code is 6 MB. Before the first import, for loading modules would already call it. The price is
  // a tenth more CPU time in a bandwidth test (5.1 instead of 4.9 ms a MB down, 1.9 instead of 1.7 up).
  if (process.argv[2] === 'agent') {
    v8.setFlagsFromString('--optimize-for-size')
    v8.setFlagsFromString('--no-opt')
  }
  // Compiled code on disk spares the TypeScript stripper at each start: 17 MB less in this process and in each worker,
  // which find the folder by the environment only. A folder that cannot be written is no error, only slower.
  if (!process.env.NODE_COMPILE_CACHE) {
    process.env.NODE_COMPILE_CACHE = process.env.CACHE_DIRECTORY || join(root, 'node_modules', '.cache', 'linkbell')
  }
  module.enableCompileCache(process.env.NODE_COMPILE_CACHE)
  void import('../cli.ts')
})
