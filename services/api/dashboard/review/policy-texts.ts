import { type Signal, useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { useShell } from '../shell.ts'

export type PolicyText = { id: string; title: string; mode: string; limits?: string }

/** The active policies' names; none while they cannot be had. */
export function usePolicyTexts(): Signal<PolicyText[]> {
  const { api } = useShell()
  const policies = useSignal<PolicyText[]>([])
  useEffect(() => {
    const abort = new AbortController()
    api.get<{ items: PolicyText[] }>('/policies', { signal: abort.signal }).then(
      ({ items }) => {
        policies.value = items
      },
      () => undefined,
    )
    return () => abort.abort()
  }, [api, policies])
  return policies
}
