import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { openUsage } from '../../services/worker/image/process-usage.ts'
import { procMissing } from '../support/decoder-processes.ts'

test.skipIf(procMissing())('what a process uses is what it says of itself', () => {
  const usage = openUsage(process.pid)
  onTestFinished(() => usage.close())
  const { user, system } = process.cpuUsage()
  const { cpuMs = 0, rssBytes = 0 } = usage.read() ?? {}
  expect(Math.abs(cpuMs - (user + system) / 1000)).toBeLessThan(50)
  expect(rssBytes / process.memoryUsage.rss()).toBeGreaterThan(0.9)
  expect(rssBytes / process.memoryUsage.rss()).toBeLessThan(1.1)
})

test('a process that has ended, or never was, uses nothing', async () => {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] })
  const usage = openUsage(child.pid ?? 0)
  onTestFinished(() => usage.close())
  child.stdin.end()
  await once(child, 'exit')
  expect(usage.read()).toBeUndefined()
  expect(openUsage(0).read()).toBeUndefined()
})
