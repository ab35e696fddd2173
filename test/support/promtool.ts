import { execFile, execFileSync } from 'node:child_process'

/** Whether tests of metrics and alerts are to be skipped, for want of promtool, and says so. With REQUIRE_PROMTOOL=1 they are to fail instead. */
export function promtoolMissing(): boolean {
  if (process.env.REQUIRE_PROMTOOL === '1') return false
  try {
    execFileSync('promtool', ['--version'], { stdio: 'ignore' })
    return false
  } catch {
    console.warn('SKIPPED: there is no promtool on this machine (Debian: prometheus); the tests that need it do not run')
    return true
  }
}

/** Runs promtool, with `input` on its stdin. Resolves to its exit code and all it said. */
export function promtool(args: string[], input = ''): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = execFile('promtool', args, (error, stdout, stderr) => {
      if (error && typeof error.code !== 'number') reject(error)
      else resolve({ code: Number(error?.code ?? 0), output: stdout + stderr })
    })
    child.stdin?.end(input)
  })
}
