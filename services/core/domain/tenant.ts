/** What a tenant may be called: its name is part of paths and of addresses. */
const TENANT = /^\w[\w.-]{0,99}$/

export function isTenant(name: string): boolean {
  return TENANT.test(name)
}
