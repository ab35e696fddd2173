import type { Action } from '../../../core/domain/policy.ts'

/** Actions differ by more than their colour: approvals are plain, flags striped, rejections crossed. Fills are `url(#<prefix>-<action>)`. */
export function ActionPatterns({ prefix }: { prefix: string }) {
  return (
    <defs>
      <pattern id={`${prefix}-flag`} width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <rect class="fill-flag" width="6" height="6" />
        <rect class="fill-stripe" width="2" height="6" />
      </pattern>
      <pattern id={`${prefix}-reject`} width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <rect class="fill-reject" width="6" height="6" />
        <rect class="fill-stripe" width="1.5" height="6" />
        <rect class="fill-stripe" width="6" height="1.5" />
      </pattern>
      <pattern id={`${prefix}-approve`} width="6" height="6" patternUnits="userSpaceOnUse">
        <rect class="fill-approve" width="6" height="6" />
      </pattern>
    </defs>
  )
}

export function fillOf(prefix: string, action: Action): string {
  return `url(#${prefix}-${action})`
}

/** What stands for an action in a legend. */
export function Swatch({ prefix, action }: { prefix: string; action: Action }) {
  return (
    <svg class="swatch" width="14" height="14" aria-hidden="true">
      <ActionPatterns prefix={prefix} />
      <rect width="14" height="14" rx="2" fill={fillOf(prefix, action)} />
    </svg>
  )
}
