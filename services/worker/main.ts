#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8'
import { readConfig } from '../core/infra/config.ts'
import { onShutdown, runMain } from '../core/infra/lifecycle.ts'
import { createLogger } from '../core/infra/logger.ts'
import { createWorker } from './create-worker.ts'

// V8 would wake four threads for the megabyte of young objects that a few images leave: more work than it is, on cores that models need.
setFlagsFromString('--no-parallel-scavenge')

await runMain(async () => {
  const config = readConfig(process.env)
  const log = createLogger({ level: config.logLevel, name: 'worker' })
  const worker = await createWorker(config, log)
  onShutdown(() => worker.stop(), log)
  const ports = await worker.start()
  process.send?.({ type: 'ready', ...ports })
})
