/** What was looked at, whether it is as it must be, and the figures. */
export type Check = { check: string; ok: boolean; detail: string }
