import { type Signal, signal } from '@preact/signals'
import type { Scope } from '../../core/domain/scopes.ts'
import { type Api, hasProblem } from './api.ts'
import type { Session } from './api-types.ts'
import type { SessionState } from './session-state.ts'

export type SessionStore = {
  state: Signal<SessionState>
  /** Asks the service whether the cookie is still good. */
  check(api: Api): Promise<boolean>
  /** Rejects with what the service refused. */
  signIn(api: Api, key: string, name: string): Promise<void>
  signInByLink(api: Api, link: string): Promise<void>
  signOut(api: Api): Promise<void>
  allows(scope: Scope): boolean
}

export function createSession(): SessionStore {
  const state = signal<SessionState>({ kind: 'unknown' })
  const enter = (session: Session) => {
    state.value = { kind: 'signed-in', session }
  }

  return {
    state,
    async check(api) {
      try {
        enter(await api.get<Session>('/session'))
        return true
      } catch (error) {
        if (!hasProblem(error, 'unauthenticated')) {
          if (state.peek().kind === 'unknown') state.value = { kind: 'unreachable', error }
          return true
        }
        if (state.peek().kind !== 'signed-out') state.value = { kind: 'signed-out', expired: false }
        return false
      }
    },
    async signIn(api, key, name) {
      enter(await api.post<Session>('/session', { key, ...(name && { name }) }))
    },
    async signInByLink(api, link) {
      try {
        enter(await api.post<Session>('/session', { link }))
      } catch (error) {
        state.value = { kind: 'signed-out', expired: false, error }
      }
    },
    async signOut(api) {
      const current = state.peek()
      if (current.kind === 'signed-in') state.value = { kind: 'signing-out', session: current.session }
      await api.settled()
      await api.delete('/session').catch(() => undefined)
      state.value = { kind: 'signed-out', expired: false }
    },
    allows(scope) {
      const current = state.value
      if (current.kind !== 'signed-in') return false
      return current.session.scopes.includes('admin') || current.session.scopes.includes(scope)
    },
  }
}
