/** What an API key may do. `admin` includes the others. */
export const SCOPES = ['intake', 'review', 'admin'] as const
export type Scope = (typeof SCOPES)[number]

export function allows(granted: readonly Scope[], needed: readonly Scope[]): boolean {
  return granted.includes('admin') || needed.some((scope) => granted.includes(scope))
}
