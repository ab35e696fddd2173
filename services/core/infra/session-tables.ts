import type { Generated } from 'kysely'

export type SessionsTable = {
  token_hash: Buffer
  key_id: string
  /** The person's. */
  name: string
  created_at: Generated<Date>
  seen_at: Generated<Date>
  expires_at: Date
}

export type SignInLinksTable = {
  token_hash: Buffer
  key_id: string
  name: string
  expires_at: Date
}
