#!/usr/bin/env node
import { readConfig } from '../core/infra/config.ts'
import { onShutdown, runMain } from '../core/infra/lifecycle.ts'
import { createLogger } from '../core/infra/logger.ts'
import { createStandalone } from './create-standalone.ts'

await runMain(async () => {
  const config = readConfig(process.env)
  const log = createLogger({ level: config.logLevel, name: 'standalone' })
  const standalone = createStandalone({ config, env: process.env, log })
  onShutdown(() => standalone.stop(), log)
  const runtime = await standalone.start()
  if (runtime)
    log.info({ api: runtime.apiUrl, dashboard: `${runtime.apiUrl}/dashboard/`, docs: `${runtime.apiUrl}/docs` }, 'ready')
})
