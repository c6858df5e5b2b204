#!/usr/bin/env node
// The command: cli.ts under a Node that can run it. In this very process where possible: a parent that only waits would
// cost some 45 MB.
import module from 'module'
import { join } from 'path'
import { root, withRuntime } from './runtime.js'

withRuntime(() => {
  // Compiled code on disk spares the TypeScript stripper at each start: 17 MB less in this process and in each worker,
  // which find the folder by the environment only. A folder that cannot be written is no error, only slower.
  if (!process.env.NODE_COMPILE_CACHE) {
    process.env.NODE_COMPILE_CACHE = process.env.CACHE_DIRECTORY || join(root, 'node_modules', '.cache', 'linkbell')
  }
  module.enableCompileCache(process.env.NODE_COMPILE_CACHE)
  void import('../cli.ts')
})
