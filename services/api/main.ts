#!/usr/bin/env node
import { readConfig } from '../core/infra/config.ts'
import { onShutdown, runMain } from '../core/infra/lifecycle.ts'
import { createLogger } from '../core/infra/logger.ts'
import { createApi } from './create-api.ts'

await runMain(async () => {
  const config = readConfig(process.env)
  const log = createLogger({ level: config.logLevel, name: 'api' })
  const api = await createApi(config, log)
  onShutdown(() => api.stop(), log)
  const ports = await api.start()
  process.send?.({ type: 'ready', ...ports })
})
