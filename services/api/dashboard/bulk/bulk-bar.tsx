import type { Verdict } from '../api-types.ts'
import { Button } from '../parts/button.tsx'
import { SelectField } from '../parts/field.tsx'
import type { Reason } from '../review/reasons.ts'
import { strings } from '../strings.ts'

export type BulkBarProps = {
  selected: number
  total: number
  reasons: Reason[]
  code: string
  undoable: number
  onSelectAll(): void
  onReason(code: string): void
  onDecide(verdict: Verdict): void
  onUndo(): void
  onMore(): void
}

/** What is done with all that is selected. */
export function BulkBar({
  selected,
  total,
  reasons,
  code,
  undoable,
  onSelectAll,
  onReason,
  onDecide,
  onUndo,
  onMore,
}: BulkBarProps) {
  const text = strings.bulk
  return (
    <div class="bulk-bar">
      <span role="status">{text.selected(selected, total)}</span>
      <Button onClick={onSelectAll}>{selected === total && total > 0 ? text.selectNone : text.selectAll}</Button>
      <Button kind="approve" shortcut="A" disabled={selected === 0} onClick={() => onDecide('approve')}>
        {text.approve(selected)}
      </Button>
      <Button kind="reject" shortcut="R" disabled={selected === 0} onClick={() => onDecide('reject')}>
        {text.reject(selected)}
      </Button>
      <SelectField
        label={text.reason}
        value={code}
        options={reasons.map((reason, index) => ({
          value: reason.code,
          text: index < 9 ? `${index + 1}  ${reason.text}` : reason.text,
        }))}
        onChange={onReason}
      />
      {undoable > 0 && (
        <Button shortcut="Z" onClick={onUndo}>
          {text.undo(undoable)}
        </Button>
      )}
      <Button shortcut="N" onClick={onMore}>
        {text.more}
      </Button>
    </div>
  )
}
