import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'
import { skipLoudly } from './skip-loudly.ts'

const CHROMIUM = '/usr/bin/chromium'

/** Whether tests in a browser are to be skipped, for want of Chromium, and says so. With REQUIRE_BROWSER=1 they are to fail instead. */
export function browserMissing(what: string): boolean {
  if (process.env.REQUIRE_BROWSER === '1' || existsSync(CHROMIUM)) return false
  return skipLoudly(what, `there is no ${CHROMIUM}`)
}

export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
}
