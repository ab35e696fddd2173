import { z } from 'zod'

/** PostgreSQL stores neither NUL nor half a surrogate pair. */
const UNSTORABLE = /[\0\p{Surrogate}]/u
const CONTROL = /[\p{Control}\p{Surrogate}]/u

export function isStorable(text: string): boolean {
  return !UNSTORABLE.test(text)
}

/** What a person writes, perhaps in several lines, of so many characters. */
export function prose({ least = 1, most }: { least?: number; most: number }) {
  return z.string().min(least).max(most).refine(isStorable, 'NUL characters are not allowed')
}

/** A name, or another word in one line. */
export function label(most = 255) {
  return z
    .string()
    .min(1)
    .max(most)
    .refine((text) => !CONTROL.test(text), 'control characters are not allowed')
}
