/** For `test.skipIf`: says on stderr what does not run, and why, when `reason` is given. */
export function skipLoudly(what: string, reason: string | undefined): boolean {
  if (reason) process.stderr.write(`SKIPPED: ${what}: ${reason}\n`)
  return reason !== undefined
}
