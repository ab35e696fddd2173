#!/usr/bin/env node
import { readConfig } from '../core/infra/config.ts'
import { onShutdown, runMain } from '../core/infra/lifecycle.ts'
import { createLogger } from '../core/infra/logger.ts'
import { createWorker } from './create-worker.ts'

await runMain(async () => {
  const config = readConfig(process.env)
  const log = createLogger({ level: config.logLevel, name: 'worker' })
  const worker = await createWorker(config, log)
  onShutdown(() => worker.stop(), log)
  const ports = await worker.start()
  process.send?.({ type: 'ready', ...ports })
})
