import { AppError } from '../../core/domain/errors.ts'
import type { LoadedPolicy } from '../../core/domain/policy.ts'
import type { PolicySource } from '../../core/infra/policy-watcher.ts'

/** Throws AppError `not-found`. */
export function activePolicy(policies: Pick<PolicySource, 'current'>, id: string): LoadedPolicy {
  const policy = policies.current().find((each) => each.id === id)
  if (!policy) throw new AppError('not-found', `there is no policy ${id}`)
  return policy
}
