import type { Signal } from '@preact/signals'
import { strings } from '../strings.ts'
import { Button } from './button.tsx'

/** Opens the sheet of a page's keys. */
export function KeysButton({ sheet }: { sheet: Signal<boolean> }) {
  return (
    <Button
      shortcut="?"
      onClick={() => {
        sheet.value = true
      }}
    >
      {strings.review.keys}
    </Button>
  )
}
