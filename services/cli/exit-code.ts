/** What a command's exit code says. A signal's are those that shells give: 128 and its number. */
export const EXIT = { ok: 0, found: 1, failed: 2, interrupted: 130, closedPipe: 141 } as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]
