import type { AuditActor } from './audit.ts'

const LONGEST_NAME = 100
/** Control characters, line ends, and what turns the direction of the text around it. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u

/** Whoever is signed in under a name by a key, as other moderators and the audit log know them: the same person in each of their sessions. */
export function personOf({ key, name }: { key: { id: string }; name: string }): AuditActor {
  return { kind: 'person', id: `${key.id}:${name}`, name }
}

/** The name that a person gives, always spelt in one way; undefined when it is empty, too long, or cannot be shown on a line. */
export function personName(given: string): string | undefined {
  const name = given.normalize('NFC').trim().replace(/ {2,}/g, ' ')
  return name.length >= 1 && name.length <= LONGEST_NAME && !UNPRINTABLE.test(name) ? name : undefined
}
